"""What a text sounds like: the odds of it under what was asked for and under what else could have been."""

from math import exp, log

import pytest
import torch

from ecom_llm.skills import SKILLS, review
from ecom_llm.write.candidates import Candidate, by_asked
from ecom_llm.write.copies import learned_copies
from ecom_llm.write.encode import encode
from ecom_llm.write.generation import candidates_of, in_order, written_texts
from ecom_llm.write.hearing import heard, share_of_first
from tests.unit.write.test_generation import decoding


def test_rivals_ask_for_every_other_number_of_stars(make_example):
    one = make_example("review", "zh", 1, {"类别": "裙", "星级": "4"}, "好")
    assert [rival.attributes["星级"] for rival in review.rivals(one)] == ["1", "2", "3", "5"]
    assert {rival.attributes["类别"] for rival in review.rivals(one)} == {"裙"}
    assert review.rivals(make_example("review", "en", 1, {"category": "dress"}, "")) == []
    assert SKILLS["describe"].rivals(one) == []


def test_a_share_is_that_of_the_first():
    assert share_of_first([log(0.2), log(0.1), log(0.1)]) == pytest.approx(log(0.5))
    assert share_of_first([-1000.0, -2000.0]) == 0.0


def test_the_odds_are_those_of_the_model(model, tokenizer, make_example):
    one = make_example("review", "en", 1, {"category": "dress", "stars": "2"}, "never read")
    found = [Candidate(text, text, 0, -1.0) for text in ("a red dress", "")]
    plain = make_example("describe", "en", 2, {"colour": "red"}, "")
    (both, (left,)) = heard(model, tokenizer, [one, plain], [found, found[:1]], 3)
    assert left == found[0]
    for candidate in both:
        said = [log_probability(model, tokenizer, asked, candidate.text) for asked in (one, *review.rivals(one))]
        assert exp(candidate.heard) == pytest.approx(exp(said[0]) / sum(map(exp, said)), rel=1e-4)


def log_probability(model, tokenizer, asked, text: str) -> float:
    """Of a text and its end behind the prompt, by one forward pass."""
    prompt = tokenizer(f"<|user|>{SKILLS['review'].prompt(asked)}<|assistant|>")["input_ids"]
    ids = torch.tensor([prompt + tokenizer(f"{text}<|end|>")["input_ids"]])
    with torch.inference_mode():
        said = model(ids).logits[0, len(prompt) - 1 : -1].log_softmax(dim=-1)
    return said.gather(1, ids[0, len(prompt) :, None]).sum().item()


def test_what_sounds_as_asked_comes_first_after_faults_and_with_its_likelihood():
    glad, sad, torn = (
        Candidate(text, text, wrong, nats, sounds)
        for text, wrong, nats, sounds in (("glad", 0, -3.0, -0.1), ("sad", 0, -1.0, -2.0), ("torn", 1, -0.1, -0.1))
    )
    assert sorted([torn, sad, glad], key=by_asked(0.0)) == [glad, sad, torn]
    assert sorted([torn, sad, glad], key=by_asked(2.0)) == [sad, glad, torn]
    way = decoding(6, 4, decoding="best_of_n", ranker="asked", likelihood_weight=2.0)
    assert in_order([glad, sad], way) == [sad, glad]


def test_the_best_of_n_hears_every_text_and_a_copy_is_one_fault_more(model, tokenizer, make_example):
    examples = [make_example("review", "en", n, {"stars": str(1 + n)}, "") for n in range(3)]
    way = decoding(6, 4, decoding="best_of_n", ranker="asked", num_return_sequences=4)
    given = (model, tokenizer, examples, encode(examples, tokenizer), way)
    free = candidates_of(*given)
    assert all(len(found) == 4 and all(one.heard < 0 for one in found) for found in free)
    copies = learned_copies([free[0][0].text, free[1][2].text], 0)
    bound = candidates_of(*given, copies)
    assert [[one.text for one in found] for found in bound] == [[one.text for one in found] for found in free]
    more = [
        new.faults - old.faults
        for found, olds in zip(bound, free, strict=True)
        for new, old in zip(found, olds, strict=True)
    ]
    assert more == [int(copies.holds(one.text)) for found in free for one in found]
    assert set(more) == {0, 1}
    assert written_texts(model, tokenizer, examples, way, copies=copies) == [
        list(dict.fromkeys(one.text for one in in_order(found, way))) for found in bound
    ]
