"""What a question asks about: learned from the training answers, and the only line of the listing that its prompt shows."""

import pytest

from ecom_llm.records import Example
from ecom_llm.skills.asking import Asking, terms
from ecom_llm.skills.slots import Slotting
from ecom_llm.train.asking import learned_asking
from ecom_llm.train.slotting import learned_slotting
from ecom_llm.write.candidates import faults, owed_slots
from ecom_llm.write.encode import own_slots, shown_text, with_slots

COLOURS, STRAPS = ("red", "green", "black", "white"), ("leather", "steel", "nylon")
LISTING = {"colour": "red", "strap": "leather", "waterproof": "yes"}


def asked(number: int, question: str, target: str, listing: dict[str, str], locale: str = "en") -> Example:
    name = f"answer:{locale}:{number}"
    word = {"en": "question", "zh": "问题"}[locale]
    fields = {"skill": "answer", "locale": locale, "product": name, "group": name, "source": f"t:{number + 1}"}
    return Example(id=name, attributes={**listing, word: question}, target=target, **fields)


def shop() -> list[Example]:
    """Questions about colours and straps that are there or not, and about a `yes` that no answer states."""
    found = []
    for number in range(240):
        colour, strap = COLOURS[number % 4], STRAPS[number % 3]
        listing = {"colour": colour, "strap": strap, "waterproof": "yes"}
        question, target = [
            ("Which colour has it?", f"It is {colour}."),
            ("Which strap has it?", f"The strap is {strap}."),
            ("What is the shade like?", f"We call it {colour}."),
            ("What is the strap like?", f"It has {strap}."),
            ("Tell me the colour, please.", f"Here it is {colour}."),
            ("Tell me the strap, please.", f"Made of {strap}."),
            ("Can it get wet?", "Certainly, it is waterproof."),
            ("Which strap is it?", "Nothing is said about the strap."),
            ("Which colour is it?", "Nothing is said about the colour."),
        ][number % 9]
        lacking = {7: "strap", 8: "colour"}.get(number % 9)
        listing = {name: value for name, value in listing.items() if name != lacking}
        found.append(asked(number, question, target, listing))
    return found


SLOTTING = learned_slotting(shop(), min_value_share=0.0)


@pytest.mark.parametrize(
    ("question", "attribute"),
    [("What colour?", "colour"), ("And the shade?", "colour"), ("The strap?", "strap"), ("zzz", None)],
)
def test_words_tell_what_is_asked_about(question, attribute):
    assert SLOTTING.asking["en"].asked(question) == attribute


def test_a_prompt_shows_what_is_asked_about_alone():
    shown = with_slots(asked(1, "Which strap has it?", "The strap is leather.", LISTING), SLOTTING)
    assert shown.attributes == {"⟦strap⟧": "leather", "question": "Which strap has it?"}
    assert shown.target == "The strap is ⟦strap⟧."


def test_a_listing_that_lacks_what_is_asked_about_gives_its_name_to_the_answer():
    text = "Sorry, it says nothing about the strap."
    lacking = asked(1, "Which strap has it?", text, {"colour": "red"})
    shown = with_slots(lacking, SLOTTING)
    assert shown.attributes == {"⟦?⟧": "strap", "question": "Which strap has it?"}
    assert shown.target == "Sorry, it says nothing about the ⟦?⟧."
    assert shown_text(shown.target, lacking, SLOTTING) == text
    assert own_slots(lacking, SLOTTING) == owed_slots(lacking, SLOTTING) == {"?": "strap"}


def test_a_question_about_what_no_answer_states_sees_the_whole_listing():
    wet = asked(1, "Can it get wet?", "", LISTING)
    assert set(with_slots(wet, SLOTTING).attributes) == {"⟦colour⟧", "⟦strap⟧", "waterproof", "question"}
    assert owed_slots(wet, SLOTTING) == {}


def test_an_answer_owes_what_is_asked_about():
    example = asked(1, "Which strap has it?", "", LISTING)
    assert owed_slots(example, SLOTTING) == {"strap": "leather"}
    assert [faults(text, example, SLOTTING) for text in ("It is ⟦strap⟧.", "It is ⟦colour⟧.")] == [0, 1]


def test_the_target_is_not_read_for_the_prompt():
    one, other = (asked(1, "Which strap has it?", target, LISTING) for target in ("It is red.", "It is leather."))
    assert with_slots(one, SLOTTING, learned=True).attributes == with_slots(other, SLOTTING, learned=True).attributes


def test_questions_whose_words_tell_nothing_are_not_gone_by():
    vague = [one.model_copy(update={"attributes": {**one.attributes, "question": "And this?"}}) for one in shop()]
    assert learned_asking(vague) == {}


def test_a_question_about_a_product_without_a_listing_stays_as_it_is():
    example = asked(1, "Which strap has it?", "", {})
    assert with_slots(example, SLOTTING) == example


def test_copies_of_a_weighty_question_do_not_vouch_for_each_other():
    """Words that tell nothing, each question shown five times: held out are other ones than those that were learned."""
    noise = [
        asked(n, f"word{n % 97} word{n % 89}?", f"It is {COLOURS[n % 4]}.", LISTING | {"colour": COLOURS[n % 4]})
        for n in range(300)
    ]
    noise = [
        one.model_copy(update={"target": one.target if n % 2 else "It is leather."}) for n, one in enumerate(noise)
    ]
    assert learned_asking([one for one in noise for _ in range(5)]) == {}


def test_of_two_attributes_with_one_value_the_text_states_the_one_that_was_asked_for():
    twice = asked(1, "Which strap has it?", "It is red.", {"colour": "red", "strap": "red"})
    assert with_slots(twice, SLOTTING).target == "It is ⟦strap⟧."
    marking = SLOTTING.model_copy(update={"marks": True})
    assert set(with_slots(twice, marking).attributes) == {"⟦strap⟧", "question"}


def test_questions_whose_answers_need_several_lines_speak_against_one():
    both = [asked(1000 + n, "Which strap and colour has it?", "It is red, of leather.", LISTING) for n in range(400)]
    read = learned_asking([*shop(), *both])["en"]
    assert [read.asked(f"Which {what} has it?") for what in ("strap and colour", "strap")] == [None, "strap"]


def test_what_few_answers_name_is_not_owed():
    found = [
        one.model_copy(update={"target": "That is nowhere said."})
        if "Nothing is said" in one.target and at % 5
        else one
        for at, one in enumerate(shop())
    ]
    slotting = learned_slotting(found, min_value_share=0.0)
    assert "?" in SLOTTING.names and "?" not in slotting.names
    lacking = asked(1, "Which strap has it?", "", {"colour": "red"})
    assert faults("That is nowhere said.", lacking, slotting) == 0
    assert with_slots(lacking, slotting).attributes == {"?": "strap", "question": "Which strap has it?"}


def test_of_a_list_an_answer_owes_nothing_more_than_it_says():
    several = asked(1, "Which strap has it?", "", {"strap": "leather; steel"})
    assert own_slots(several, SLOTTING) == {"strap 1": "leather", "strap 2": "steel"}
    assert owed_slots(several, SLOTTING) == {}


def test_questions_without_a_word_teach_nothing():
    mute = [
        one.model_copy(update={"attributes": {**one.attributes, "question": "?" * (1 + n % 3)}})
        for n, one in enumerate(shop())
    ]
    assert learned_asking(mute) == {}
    own = [
        one.model_copy(update={"attributes": {**one.attributes, "question": f"w{n}"}}) for n, one in enumerate(shop())
    ]
    assert learned_asking(own) == {}


def test_a_locale_goes_by_another_one_of_its_language():
    example = asked(1, "Which strap has it?", "", LISTING).model_copy(update={"locale": "en-GB"})
    assert set(with_slots(example, SLOTTING).attributes) == {"⟦strap⟧", "question"}


def test_chinese_is_read_by_characters_and_their_pairs():
    assert terms("USB接口") == ["usb", "接", "口", "usb 接", "接 口"]


def test_a_locale_of_which_nothing_was_learned_sees_the_whole_listing():
    example = asked(1, "颜色？", "", {"颜色": "红"}, locale="zh")
    assert set(with_slots(example, SLOTTING).attributes) == {"颜色", "问题"}


def test_what_was_learned_is_saved_whole():
    assert Slotting.model_validate(SLOTTING.model_dump(mode="json")) == SLOTTING
    read = SLOTTING.asking["en"]
    assert Asking.model_validate_json(read.model_dump_json()) == read
