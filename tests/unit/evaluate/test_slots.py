"""A model with slots may write those of its own example, each once: whatever its weights say."""

import torch

from ecom_llm.evaluate.generation import OwnSlots
from ecom_llm.evaluate.reranking import unstated
from ecom_llm.records import Example
from ecom_llm.train.tokenizer import train_tokenizer

TOKENIZER = train_tokenizer(["a red dress"], 300, ["⟦colour⟧", "⟦size⟧", "⟦extras 1⟧"])
IDS = TOKENIZER.get_added_vocab()


def asked(**attributes: str) -> Example:
    return Example(
        id="1", skill="describe", locale="en", attributes=attributes, target="", product="1", group="1", source="t:1"
    )


def allowed(rules: OwnSlots, written: list[list[int]]) -> list[set[str]]:
    scores = rules(torch.tensor(written), torch.zeros(len(written), len(TOKENIZER)))
    return [{slot for slot in ("⟦colour⟧", "⟦size⟧", "⟦extras 1⟧") if row[IDS[slot]] == 0} for row in scores]


def test_only_slots_of_the_example_are_open_and_each_once():
    rules = OwnSlots(TOKENIZER, [asked(colour="red", extras="a; b"), asked(size="L")], 2)
    prompt = [IDS["⟦colour⟧"], IDS["⟦size⟧"]]
    assert allowed(rules, [prompt, prompt]) == [{"⟦colour⟧", "⟦extras 1⟧"}, {"⟦size⟧"}]
    said = [[*prompt, IDS["⟦colour⟧"]], [*prompt, IDS["⟦size⟧"]]]
    assert allowed(rules, said) == [{"⟦extras 1⟧"}, set()]


def test_words_are_left_as_they_are():
    rules = OwnSlots(TOKENIZER, [asked()], 0)
    scores = rules(torch.tensor([[1]]), torch.ones(1, len(TOKENIZER)))
    assert (scores[0, : len(TOKENIZER) - 3] == 1).all()


def test_a_description_owes_every_fact_and_an_advert_does_not():
    one = asked(colour="red", size="L")
    assert [unstated(text, one) for text in ("a ⟦colour⟧", "⟦size⟧ ⟦colour⟧", "x")] == [1, 0, 2]
    assert unstated("x", one.model_copy(update={"skill": "advertise"})) == 0
