"""Which of its own texts a model learns from, how often each is shown, and the file in which a kill leaves them."""

import pytest

from ecom_llm.records import Example
from ecom_llm.shards import read_records, write_records
from ecom_llm.skills.slots import Slotting
from ecom_llm.train import own_texts, parts
from ecom_llm.train.encoded_texts import EncodedTexts, encoded_batches, write_whole
from ecom_llm.train.own_texts import (
    asked,
    best,
    is_written,
    people_of,
    prompt_and_target,
    to_learn,
    whole_pieces,
    write_all,
)
from ecom_llm.train.parts import with_own
from ecom_llm.train.tokenizer import train_tokenizer
from ecom_llm.write.candidates import Candidate
from tests.unit.train.conftest import with_self_training


def found(text: str, faults: int, likely: float = -1.0) -> Candidate:
    return Candidate(text=text, written=text, faults=faults, mean_log_probability=likely)


def test_of_what_most_agree_with_the_nearest_to_people_are_taken_without_faults(self_training):
    own = with_self_training(self_training, {"texts": 2, "best": 3}).train
    for_her, for_him, for_you, odd = "a red dress for her", "a red dress for him", "the red dress for you", "buy it"
    drawn = [found(text, 0) for text in (odd, for_her, for_him, for_you, for_her)]
    drawn += [found("a red dress", 1, -0.1), found("", 0, -0.1)]
    worth = {odd: 1.0, for_you: 0.9, for_him: 0.5, for_her: 0.1}
    assert best(drawn, worth.__getitem__, own) == (for_you, for_him)
    assert best(drawn, lambda text: 0.0, own) == (for_her, for_him)
    faulty = [found("a dress", 2), found("a red dress", 1), found("a blue dress", 1)]
    assert len(best(faulty, lambda text: len(text), own)) == 1
    assert best(faulty, lambda text: -len(text), own)[0] != "a dress"
    assert best([found("", 0)], worth.__getitem__, own) == ()


def test_nearness_is_to_what_people_wrote_for_the_same_prompt_whosever_product_it_was(small):
    one = next(iter(read_records(small.split("train"), Example)))
    red, green = (
        one.model_copy(update={"id": colour, "attributes": attributes, "target": f"{start} {colour} dress"})
        for colour, start, attributes in (
            ("red", "a", {"colour": "red", "act": "inform"}),
            ("green", "this", {"act": "inform", "colour": "green"}),
        )
    )
    blue = one.model_copy(update={"id": "blue", "attributes": {"size": "blue"}, "target": "it is blue"})
    tokenizer = train_tokenizer(["a dress"], 300, ["⟦colour⟧"])
    slotting = Slotting(names=frozenset({"colour"}), shown=frozenset())
    tokenizer.init_kwargs["slots"] = slotting.model_dump(mode="json")
    people = people_of([red, green, blue], tokenizer, 2.0)
    prompt, target = prompt_and_target(red, slotting)
    assert (prompt, target) == (prompt_and_target(green, slotting)[0], "a ⟦colour⟧ dress")
    texts = ("a ⟦colour⟧ dress", "this ⟦colour⟧ dress", "a ⟦colour⟧ gown", "it is blue")
    assert [people.nearness(prompt)(text) for text in texts] == [1.0, 1.0, pytest.approx(0.45, abs=0.1), 0.0]
    assert people.nearness(prompt_and_target(blue, slotting)[0])("it is blue") == 1.0


def test_items_and_answers_from_evidence_are_not_the_models_to_write(small):
    one = next(iter(read_records(small.split("train"), Example)))
    question = {"question": "Is it red?"}
    assert is_written(one)
    assert not is_written(one.model_copy(update={"skill": "recommend"}))
    assert not is_written(one.model_copy(update={"skill": "answer", "attributes": question}))
    assert is_written(one.model_copy(update={"skill": "answer", "attributes": {"colour": "red", **question}}))


def test_own_texts_are_shown_as_often_as_their_example_and_never_cut(small, self_training, tmp_path):
    """And none is written for an example that no epoch shows, or that is too long itself."""
    one = next(iter(read_records(small.split("train"), Example)))
    weights = {"twice": 2.0, "once": 1.0, "never": 1e-9}
    some = [one.model_copy(update={"id": name, "weight": weight}) for name, weight in weights.items()]
    write_records(small.split("train"), Example, some)
    found, folder = list(asked(small.split("train"), 1)), parts.Parts(tmp_path)
    assert [one.id for one in found] == ["twice", "once"]
    write_all(folder.texts, found, 2, lambda waiting: [("red", "red " * 1000)] * len(waiting))
    tokenizer = train_tokenizer(["a red dress"], 300)
    learned = list(to_learn(folder.texts, found, 1))
    assert [(one.id, one.weight) for one in learned] == [
        ("twice#s0", 2),
        ("twice#s1", 2),
        ("once#s0", 1),
        ("once#s1", 1),
    ]
    write_whole(folder.encoded, encoded_batches(learned, tokenizer, "causal"))
    people = EncodedTexts(list(encoded_batches(some[:1], tokenizer, "causal")))
    names = [name for name, _ in with_own(people, folder, self_training.train).named()]
    assert names == ["twice", "twice#s0", "twice#s0", "once#s0"]
    long = one.model_copy(update={"target": "red " * 1000})
    write = own_texts.writer(None, tokenizer, self_training.train, None, people_of([long], tokenizer, 2.0))
    assert write([long]) == [()]


@pytest.mark.parametrize("left", [b"", b'{"own":[{"id":"torn', b'{"own":[{"id":"torn"}\n', b"\0\0\0\0\n"])
def test_a_piece_that_is_whole_stays_and_what_is_torn_is_written_again(small, tmp_path, monkeypatch, left):
    monkeypatch.setattr(own_texts, "PIECE", 20)
    examples, path, written = list(read_records(small.split("train"), Example)), tmp_path / "texts.jsonl", []

    def write(some: list[Example]) -> list[tuple[str, ...]]:
        written.append(len(some))
        return [(f"text {one.id}",) for one in some]

    write_all(path, examples, 30, write)
    whole = path.read_bytes()
    path.write_bytes(whole.splitlines(keepends=True)[0] + left)
    write_all(path, examples, 30, write)
    assert path.read_bytes() == whole
    write_all(path, examples, 30, write)
    assert written == [20, 10, 10]
    assert [own.id for piece in whole_pieces(path) for own in piece.own] == [one.id for one in examples]
