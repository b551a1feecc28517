"""A model with slots may write those of its own example, each once: whatever its weights say."""

import pytest
import torch

from ecom_llm.records import Example
from ecom_llm.skills.slots import EVERY, Slotting
from ecom_llm.train.tokenizer import train_tokenizer
from ecom_llm.write.candidates import faults, slips
from ecom_llm.write.slot_rule import OwnSlots

TOKENIZER = train_tokenizer(["a red dress"], 300, ["⟦colour⟧", "⟦size⟧", "⟦extras 1⟧"])
IDS = TOKENIZER.get_added_vocab()


def asked(**attributes: str) -> Example:
    return Example(
        id="1", skill="describe", locale="en", attributes=attributes, target="", product="1", group="1", source="t:1"
    )


def rules(*examples: Example) -> OwnSlots:
    return OwnSlots(TOKENIZER, examples, torch.device("cpu"))


def allowed(own: OwnSlots, texts: list[int]) -> list[set[str]]:
    scores = own.close(torch.zeros(len(texts), len(TOKENIZER)), torch.tensor(texts))
    return [{slot for slot in ("⟦colour⟧", "⟦size⟧", "⟦extras 1⟧") if row[IDS[slot]] == 0} for row in scores]


def test_only_slots_of_the_example_are_open_and_each_once():
    own = rules(asked(colour="red", extras="a; b"), asked(size="L"))
    assert allowed(own, [0, 1]) == [{"⟦colour⟧", "⟦extras 1⟧"}, {"⟦size⟧"}]
    own.wrote(torch.tensor([IDS["⟦size⟧"], IDS["⟦colour⟧"]]), torch.tensor([1, 0]))
    assert allowed(own, [1, 0]) == [set(), {"⟦extras 1⟧"}]


def test_a_row_without_a_text_has_no_slots():
    assert allowed(rules(asked(colour="red")), [1, 0]) == [set(), {"⟦colour⟧"}]


def test_words_are_left_as_they_are():
    scores = rules(asked()).close(torch.ones(1, len(TOKENIZER)), torch.tensor([0]))
    assert (scores[0, : len(TOKENIZER) - 3] == 1).all()


def test_a_model_whose_texts_held_no_slot_twice_has_none_to_close():
    """Reviews of products without attributes: the tokenizer is one with slots, and has none."""
    tokenizer = train_tokenizer(["a red dress"], 300, [])
    own = OwnSlots(tokenizer, [asked()], torch.device("cpu"))
    scores = own.close(torch.ones(1, len(tokenizer)), torch.tensor([0]))
    own.wrote(torch.tensor([5]), torch.tensor([0]))
    assert (scores == 1).all()


def test_a_description_owes_every_fact_and_an_advert_does_not():
    one = asked(colour="red", size="L")
    assert [faults(text, one, EVERY) for text in ("a ⟦colour⟧", "⟦size⟧ ⟦colour⟧", "x")] == [1, 0, 2]
    advert = one.model_copy(update={"skill": "advertise"})
    assert [faults(text, advert, EVERY) for text in ("x", "x\ufffd", "\ufffd x \ufffd", "a  x")] == [0, 1, 2, 1]


def test_a_text_that_goes_round_in_circles_is_at_fault():
    review = asked(stars="5").model_copy(update={"skill": "review"})
    round_and_round = "I love it. i'm 5'2 and it fits. i'm 5'2 and it fits. i'm 5'2 and it fits."
    assert [faults(text, review, EVERY) for text in ("I love it. It is soft and it fits.", round_and_round)] == [0, 1]
    chinese = review.model_copy(update={"locale": "zh"})
    assert [faults(text, chinese, EVERY) for text in ("很喜欢，质量不错。", "很喜欢很喜欢很喜欢很喜欢，不错。")] == [
        0,
        1,
    ]


def test_a_fact_without_a_slot_is_owed_where_every_slot_is_known():
    one = asked(colour="red", kind="dress")
    assert faults("a ⟦colour⟧", one, EVERY) == 1
    assert faults("a ⟦colour⟧", one, Slotting(names=frozenset({"colour"}))) == 0


def test_without_slots_a_fact_is_stated_word_for_word():
    one = asked(colour="red", size="L")
    texts = ("A RED dress in L.", "A red dress, well made.", "A reduced offer.")
    assert [faults(text, one, None) for text in texts] == [0, 1, 2]
    assert faults("红red色, L", one.model_copy(update={"locale": "zh"}), None) == 0


@pytest.mark.parametrize(
    ("locale", "written", "found"),
    [
        ("en", "a ⟦颜色⟧ bag for the 惊喜欢es, and 卡 the seat", 2),
        ("en", "a café bag of 12 µm by 华为, 5 kΩ", 0),
        ("en-GB", "a bag и more", 1),
        ("zh", "这款Nike外套 is easy to wear", 0),
        ("zh_CN", "这款かばん很好", 1),
        ("ja", "このかばんは軽い", 0),
        ("ru", "лёгкая сумка 包", 1),
        ("el", "ελαφριά τσάντα 包", 0),
    ],
)
def test_a_text_that_slips_into_another_script_is_at_fault(locale, written, found):
    """Brands in Latin are everywhere, values of the prompt are as they are, and of a language we do not know nothing is asked."""
    one = asked(brand="华为").model_copy(update={"locale": locale, "skill": "advertise"})
    assert slips(written, one) == found
    assert faults(written, one, None) == found


def test_a_slot_is_open_as_often_as_its_model_learned():
    tokenizer = train_tokenizer(["a red dress"], 300, ["⟦colour⟧", "⟦size⟧"])
    tokenizer.init_kwargs["slots"] = Slotting(most={"colour": 2}).model_dump(mode="json")
    own, ids = OwnSlots(tokenizer, [asked(colour="red", size="L")], torch.device("cpu")), tokenizer.get_added_vocab()
    open_ones = []
    for _ in range(3):
        scores = own.close(torch.zeros(1, len(tokenizer)), torch.tensor([0]))
        open_ones.append([slot for slot in ("⟦colour⟧", "⟦size⟧") if scores[0, ids[slot]] == 0])
        own.wrote(torch.tensor([ids["⟦colour⟧"]]), torch.tensor([0]))
    assert open_ones == [["⟦colour⟧", "⟦size⟧"]] * 2 + [["⟦size⟧"]]


def test_an_advert_owes_what_its_prompt_asks_for_each_value_once():
    slotting = Slotting(marks=True)
    one = asked(style="retro", pattern="retro", colour="red").model_copy(update={"skill": "advertise"})
    texts = ("⟦style⟧ ⟦colour⟧", "⟦pattern⟧ ⟦colour⟧", "⟦style⟧ ⟦pattern⟧", "x\ufffd")
    assert [faults(text, one, slotting) for text in texts] == [0, 0, 1, 3]
    assert faults("x", one, None) == 0
    # what an answer states is known from its target alone, and no choice is made by that
    answer = asked(question="?", colour="red").model_copy(update={"skill": "answer", "target": "It is red."})
    blind = answer.model_copy(update={"target": ""})
    assert [faults(text, answer, slotting) for text in ("x", "⟦colour⟧")] == [1, 0]
    assert faults("x", blind, slotting) == 1


def test_a_text_that_owes_a_slot_does_not_end_before_it_is_long():
    end = TOKENIZER.eos_token_id
    one = asked(colour="red", size="L")
    own = OwnSlots(TOKENIZER, [one, asked()], torch.device("cpu"), [end], 5)

    def may_end(text: int, written: int) -> bool:
        scores = torch.zeros(1, len(TOKENIZER))
        return bool(own.hold(scores, torch.tensor([text]), torch.tensor([written]))[0, end] == 0)

    assert [may_end(0, 4), may_end(0, 5), may_end(1, 0), may_end(2, 0)] == [False, True, True, True]
    own.wrote(torch.tensor([IDS["⟦colour⟧"]]), torch.tensor([0]))
    assert not may_end(0, 4)
    own.wrote(torch.tensor([IDS["⟦size⟧"]]), torch.tensor([0]))
    assert may_end(0, 4)
    advert = one.model_copy(update={"skill": "advertise"})
    own = OwnSlots(TOKENIZER, [advert], torch.device("cpu"), [end], 5)
    assert may_end(0, 4), "an advert owes nothing but what is asked for by marks"


def test_what_is_owed_is_likelier_until_it_is_written():
    own = OwnSlots(TOKENIZER, [asked(colour="red", size="L"), asked(size="L")], torch.device("cpu"), owed_bias=1.5)
    own.wrote(torch.tensor([IDS["⟦colour⟧"]]), torch.tensor([0]))
    scores = own.hold(torch.zeros(2, len(TOKENIZER)), torch.tensor([0, 1]), torch.tensor([9, 0]))
    raised = {(row, token) for row, token in (scores > 0).nonzero().tolist()}
    assert raised == {(0, IDS["⟦size⟧"]), (1, IDS["⟦size⟧"])}
    assert scores.max() == 1.5
