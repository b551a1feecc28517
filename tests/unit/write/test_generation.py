"""Texts by each decoding: greedy as one token at a time gives, drawn ones by their seed, and of several the one the ranker wants."""

import pytest
import torch

from ecom_llm.params import validate
from ecom_llm.records import UserError
from ecom_llm.train.model import new_model, new_tokenizer
from ecom_llm.write import generation
from ecom_llm.write.candidates import Candidate, by_facts, by_log_probability
from ecom_llm.write.decoding import Decoding
from ecom_llm.write.encode import encode, slotting_of
from ecom_llm.write.generation import decode, drawn_candidates, end_tokens, generate_texts, in_order, written_texts


def decoding(max_new_tokens: int, batch_size: int, **settings: object) -> Decoding:
    chosen = {
        "decoding": "greedy",
        "ranker": "facts",
        "num_return_sequences": 2,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "max_new_tokens": max_new_tokens,
        "facts_within": 0,
        "owed_bias": 0.0,
        "per_device_eval_batch_size": batch_size,
        "likelihood_weight": 0.0,
        "consensus_beta": 0.0,
        "seed": 1,
        "recommend_by": "model",
        "num_beams": 10,
        "answer_by": "model",
        "min_support": 0.5,
    }
    return Decoding(**chosen | settings)


def naive(model, tokenizer, example, most: int) -> str:
    """Greedy by the definition: the whole prompt again for every token, no cache, no padding."""
    encoded = encode([example], tokenizer)[0]
    ids = list(encoded.prompt)
    with torch.inference_mode():
        for _ in range(most):
            ids.append(model(torch.tensor([ids])).logits[0, -1].argmax().item())
            if ids[-1] == tokenizer.eos_token_id:
                break
    return decode(tokenizer, ids[len(encoded.prompt) :])


def test_batched_is_what_one_token_at_a_time_gives(model, tokenizer, described):
    texts = generate_texts(model, tokenizer, described[:9], decoding(12, 4))
    assert texts == [naive(model, tokenizer, example, 12) for example in described[:9]]
    assert len(set(texts)) > 1


def test_it_is_deterministic_and_reads_no_target(model, tokenizer, described):
    blind = [example.model_copy(update={"target": "?"}) for example in described[:5]]
    first = generate_texts(model, tokenizer, described[:5], decoding(8, 5))
    assert generate_texts(model, tokenizer, blind, decoding(8, 5)) == first


def test_settings_of_a_checkpoint_do_not_apply(model, tokenizer, described):
    first = generate_texts(model, tokenizer, described[:3], decoding(8, 3))
    kept = model.generation_config.eos_token_id
    model.generation_config.eos_token_id = 99999
    try:
        assert generate_texts(model, tokenizer, described[:3], decoding(8, 3)) == first
    finally:
        model.generation_config.eos_token_id = kept


def test_special_tokens_are_not_shown(tokenizer):
    ids = tokenizer("<|user|> red , dress . ", add_special_tokens=False)["input_ids"]
    assert decode(tokenizer, ids) == "red , dress ."


def test_a_template_that_closes_turns_with_its_own_token_ends_there_too(tokenizer):
    turn = tokenizer.convert_tokens_to_ids("<|assistant|>")
    assert end_tokens(tokenizer, [70, 71, turn, 72]) == sorted([turn, tokenizer.eos_token_id])
    assert end_tokens(tokenizer, [70]) == [tokenizer.eos_token_id]


def test_nothing_to_write_is_no_error(model, tokenizer):
    assert generate_texts(model, tokenizer, [], decoding(8, 4)) == []


def test_a_prompt_that_leaves_no_room_is_refused(model, tokenizer, make_example):
    long = make_example("describe", "en", 1, {"words": "cotton " * 600}, "a dress")
    with pytest.raises(UserError, match="leaves the model no room"):
        generate_texts(model, tokenizer, [long], decoding(8, 4))


def test_drawn_texts_hang_on_seed_and_prompt_and_on_nothing_else(model, tokenizer, described):
    drawing = decoding(12, 4, decoding="sampling")
    texts = generate_texts(model, tokenizer, described[:9], drawing)
    assert texts != generate_texts(model, tokenizer, described[:9], decoding(12, 4))
    assert texts != generate_texts(model, tokenizer, described[:9], decoding(12, 4, decoding="sampling", seed=2))
    assert texts == generate_texts(model, tokenizer, described[:9], decoding(12, 2, decoding="sampling"))
    # the first of each prompt: with less before it, and in another order
    first = {
        tuple(one.prompt): text for one, text in zip(encode(described[:9], tokenizer)[::-1], texts[::-1], strict=True)
    }
    alone = [generate_texts(model, tokenizer, [example], drawing)[0] for example in described[:9]]
    assert alone == [first[tuple(one.prompt)] for one in encode(described[:9], tokenizer)]


def test_the_same_prompt_again_draws_another_text(model, tokenizer, described):
    texts = generate_texts(model, tokenizer, [described[0]] * 4, decoding(12, 4, decoding="sampling"))
    assert len(set(texts)) == 4


def test_a_narrow_draw_is_the_likeliest(model, tokenizer, described):
    likeliest = generate_texts(model, tokenizer, described[:5], decoding(12, 4))
    for narrow in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-4}):
        assert (
            generate_texts(model, tokenizer, described[:5], decoding(12, 4, decoding="sampling", **narrow)) == likeliest
        )


def test_rankers_order_by_what_they_say():
    full, fluent, same = (
        Candidate(text, text, wrong, nats)
        for text, wrong, nats in (("full", 0, -3.0), ("fluent", 2, -1.0), ("same", 0, -2.0))
    )
    assert sorted([full, fluent, same], key=by_facts) == [same, full, fluent]
    assert sorted([full, fluent, same], key=by_log_probability) == [fluent, same, full]


def mean_log_probability(model, tokenizer, prompt: list[int], text_ids: list[int]) -> float:
    """Of a text's tokens and its end, by a forward pass over the whole."""
    ids = torch.tensor([prompt + text_ids])
    said = model(ids).logits[0, len(prompt) - 1 : -1].log_softmax(dim=-1)
    return said.gather(1, ids[0, len(prompt) :, None]).mean().item()


def test_the_best_of_n_by_log_probability_is_the_best_of_all_that_were_written(model, tokenizer, described):
    settings = decoding(6, 4, decoding="best_of_n", ranker="log_probability", num_return_sequences=5, temperature=0.5)
    encoded = encode(described[:4], tokenizer)
    drawn = drawn_candidates(model, tokenizer, described[:4], encoded, settings)
    assert all(len(found) == 5 for found in drawn)
    likeliest = generate_texts(model, tokenizer, described[:4], decoding(6, 4))
    texts = written_texts(model, tokenizer, described[:4], settings)
    for found, one, greedy in zip(texts, drawn, likeliest, strict=True):
        assert set(found) == {greedy, *(each.text for each in one)}
        ordered = list(dict.fromkeys(each.text for each in sorted(one, key=by_log_probability)))
        assert [text for text in found if text in ordered and text != greedy] == [
            text for text in ordered if text != greedy
        ]


def test_by_facts_a_text_that_leaves_some_out_gives_way_to_a_fuller_one(model, tokenizer, make_example):
    # one letter, which random texts hold by chance; the likeliest texts of this model do not
    examples = [make_example("describe", "en", n, {"size": "e", "n": "q" * (n + 1)}, "a dress") for n in range(6)]
    settings = decoding(20, 8, decoding="best_of_n", num_return_sequences=30, temperature=1.5)
    encoded = encode(examples, tokenizer)
    drawn = drawn_candidates(model, tokenizer, examples, encoded, settings)
    assert any(len({one.faults for one in found}) > 1 for found in drawn)
    texts = generate_texts(model, tokenizer, examples, settings)
    likeliest = generate_texts(model, tokenizer, examples, decoding(20, 8))
    assert texts != likeliest
    for text, found, greedy in zip(texts, drawn, likeliest, strict=True):
        assert text in (min(found, key=by_facts).text, greedy)


def consenting(**settings: object) -> Decoding:
    chosen = {"decoding": "best_of_n", "ranker": "consensus", "num_return_sequences": 4, "likelihood_weight": 0.1}
    return decoding(6, 8, **chosen | settings)


def test_by_consensus_the_distinct_drawn_texts_stand_best_first_and_are_the_same_again(model, tokenizer, described):
    blind = [one.model_copy(update={"target": "?"}) for one in described[:5]]
    found = written_texts(model, tokenizer, described[:5], consenting())
    assert found == written_texts(model, tokenizer, blind, consenting())
    assert all(1 <= len(texts) == len(set(texts)) <= 4 for texts in found)
    assert found != written_texts(model, tokenizer, described[:5], consenting(seed=2))
    drawn = drawn_candidates(model, tokenizer, described[:5], encode(described[:5], tokenizer), consenting())
    assert [set(texts) for texts in found] == [{one.text for one in row} for row in drawn]
    assert generate_texts(model, tokenizer, described[:5], consenting()) == [texts[0] for texts in found]
    assert written_texts(model, tokenizer, [], consenting()) == []


def test_by_consensus_the_likelihood_decides_where_its_weight_says_so(model, tokenizer, described):
    encoded, heavy = encode(described[:5], tokenizer), consenting(likelihood_weight=1e6)
    drawn = drawn_candidates(model, tokenizer, described[:5], encoded, heavy)
    for candidates in drawn:
        by = [(one.faults, -one.mean_log_probability) for one in in_order(candidates, heavy)]
        assert by == sorted(by)


@pytest.mark.parametrize(("beta", "best"), [(0.0, "a b c d"), (3.0, "a b c d e f g")])
def test_by_consensus_recall_counts_as_its_beta_says(beta, best):
    texts = ("a b c d", "a b c d", "a b c d e", "a b c d e f g")
    drawn = [Candidate(text, text, 0, -1.0) for text in texts]
    assert in_order(drawn, consenting(likelihood_weight=0.0, consensus_beta=beta))[0].text == best


def test_texts_that_are_equal_when_filled_stand_there_once(slotted, make_example, monkeypatch):
    written = ["a ⟦colour⟧ dress", "a red dress", "a ⟦colour⟧ dress", "⟦colour⟧"]
    drawn = [Candidate(text.replace("⟦colour⟧", "red"), text, 0, -1.0) for text in written]
    monkeypatch.setattr(generation, "drawn_candidates", lambda *_: [drawn])
    one = make_example("describe", "en", 1, {"colour": "red"}, "")
    assert written_texts(*slotted, [one], consenting()) == [["a red dress", "red"]]


def test_what_sounds_as_asked_needs_a_text_to_listen_to(params):
    values = params.model_dump()
    values["evaluate"] |= {"decoding": "best_of_n", "ranker": "asked", "num_return_sequences": 0}
    with pytest.raises(UserError, match="asked needs num_return_sequences above 0, found 0"):
        validate(values, "test")


@pytest.mark.parametrize(
    ("mode", "count", "fits"), [("best_of_n", 1, False), ("best_of_n", 2, True), ("greedy", 0, True)]
)
def test_consensus_needs_two_texts_to_agree(params, mode, count, fits):
    values = params.model_dump()
    values["evaluate"] |= {"decoding": mode, "ranker": "consensus", "num_return_sequences": count}
    if fits:
        assert validate(values, "test").evaluate.ranker == "consensus"
    else:
        with pytest.raises(UserError, match="consensus needs num_return_sequences above 1, found 1"):
            validate(values, "test")


def test_other_decodings_give_one_text_and_best_of_n_the_others_too(model, tokenizer, described):
    for way in ("greedy", "sampling"):
        found = written_texts(model, tokenizer, described[:3], decoding(6, 8, decoding=way))
        assert [len(texts) for texts in found] == [1] * 3
    likely = decoding(6, 8, decoding="best_of_n", ranker="log_probability", num_return_sequences=3)
    found = written_texts(model, tokenizer, described[:3], likely)
    assert all(2 <= len(texts) == len(set(texts)) <= 4 for texts in found)


@pytest.fixture
def slotted(make_example, params):
    """A random model with slots, which likes them better than any word, and its tokenizer."""
    told = [
        ({"fabric": "linen"}, "A linen dress of linen."),
        ({"colour": "red", "size": "L"}, "A red dress in L."),
        ({"fabric": "silk"}, "A silk dress of silk."),
        ({"colour": "blue", "size": "M"}, "A blue dress in M."),
    ]
    taught = [make_example("describe", "en", n, *one) for n, one in enumerate(told * 3)]
    small = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    train = params.train.model_copy(
        update={**small, "mark_stated": False}
    )  # with marks a slot is stated as often as here
    tokenizer = new_tokenizer(train, taught)
    assert slotting_of(tokenizer)
    model = new_model(tokenizer, train).eval()
    slots = [place for token, place in tokenizer.get_added_vocab().items() if token.startswith("⟦")]
    liked = torch.zeros(len(tokenizer)).index_fill(0, torch.tensor(slots), 9.0)
    model.lm_head.register_forward_hook(lambda module, given, logits: logits + liked)
    return model, tokenizer


@pytest.mark.parametrize(
    ("mode", "ranker"), [("greedy", "facts"), ("sampling", "facts"), ("best_of_n", "facts"), ("best_of_n", "consensus")]
)
def test_no_decoding_states_a_slot_of_another_example_or_one_twice(mode, ranker, slotted, make_example):
    # values the tokenizer never saw: a random text does not spell them
    worn = {"colour": "xanthic-1", "size": "quarto-2"}, {"fabric": "zibeline-3"}
    examples = [make_example("describe", "en", n, dict(worn[n % 2]), "") for n in range(10)]
    texts = generate_texts(*slotted, examples, decoding(30, 4, decoding=mode, ranker=ranker, num_return_sequences=3))
    for n, text in enumerate(texts):
        stated = {value: text.lower().count(value) for attributes in worn for value in attributes.values()}
        assert stated == {value: int(value in worn[n % 2].values()) for value in stated}
