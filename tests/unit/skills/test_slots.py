"""Slots: opening and filling give the text back, values are found as words, and nothing unknown is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.records import LIST_SEPARATOR
from ecom_llm.skills.slots import (
    CLOSE,
    OPEN,
    Slotting,
    fill_slots,
    open_slots,
    shown_with_slots,
    states,
    wanted_mentions,
)

words = st.text(alphabet="abR 1红色的", min_size=1, max_size=6).map(str.strip).filter(bool)
attributes = st.dictionaries(words, st.lists(words, min_size=1, max_size=3).map(LIST_SEPARATOR.join), max_size=4)
anything = st.text(alphabet=f"abR 1红色的.!?:; {OPEN}{CLOSE}", max_size=40)


@given(text=anything.filter(lambda text: OPEN not in text), known=attributes)
def test_filling_gives_back_what_was_opened(text, known):
    assert fill_slots(open_slots(text, known), known) == text


@given(text=anything.filter(lambda text: OPEN not in text), known=attributes, capitals=st.booleans())
def test_so_it_does_however_slots_are_written(text, known, capitals):
    slotting = Slotting(names=frozenset({"a", "b", "R", "1"}), capitals=capitals)
    assert fill_slots(open_slots(text, known, slotting), known, slotting) == text


@given(text=anything, known=attributes)
def test_no_slot_is_ever_shown(text, known):
    assert OPEN not in fill_slots(text, known)


@pytest.mark.parametrize(
    ("text", "known", "opened"),
    [
        ("A red dress.", {"colour": "red"}, "A ⟦colour⟧ dress."),
        ("Canvas wraps it.", {"strap": "canvas"}, "⟦strap⟧ wraps it."),
        ("a redder dress", {"colour": "red"}, "a redder dress"),
        ("RED dress", {"colour": "red"}, "RED dress"),
        ("in navy blue and blue", {"a": "blue", "b": "navy blue"}, "in ⟦b⟧ and ⟦a⟧"),
        ("14 gb and 4 gb", {"memory": "4 gb"}, "14 gb and ⟦memory⟧"),
        ("一款红色的连衣裙", {"颜色": "红色", "类别": "连衣裙"}, "一款⟦颜色⟧的⟦类别⟧"),
        ("配64GB内存", {"内存": "64GB"}, "配⟦内存⟧内存"),
        ("with x and y", {"extras": "x; y"}, "with ⟦extras 1⟧ and ⟦extras 2⟧"),
        ("in red and red", {"a": "red", "b": "red"}, "in ⟦a⟧ and ⟦b⟧"),
        ("in red, red, red", {"a": "red", "b": "red"}, "in ⟦a⟧, ⟦b⟧, ⟦b⟧"),
        ("no lining, none", {"lining": "no", "hood": "none"}, "no lining, none"),
        ("nothing known", {}, "nothing known"),
        ("a ⟦colour⟧ red", {"colour": "red"}, "a ⟦colour⟧ red"),
    ],
)
def test_values_become_slots(text, known, opened):
    assert open_slots(text, known) == opened


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("It weighs 1.5 kg.", "5 kg"),
        ("净重1.5千克", "5千克"),
        ("可用十五天", "五天"),
        ("三百五十毫升", "三百"),
        ("down to -5 °C", "5 °C"),
        ("a pack of 1,880", "1"),
        ("a pack of 1,880", "880"),
        ("version 4.2", "4"),
    ],
)
def test_a_part_of_a_number_is_no_value(text, value):
    assert not states(text, value)
    assert open_slots(text, {"weight": value}) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sizes 36,37 and 38", "37"),
        ("有5天和6天两种", "6天"),
        ("It has 5.", "5"),
        ("3-5 kg", "5 kg"),
        ("1,500 g", "1,500 g"),
    ],
)
def test_a_whole_number_is(text, value):
    assert states(text, value)


def test_a_value_never_seen_is_stated():
    assert fill_slots("⟦colour⟧ suits it. A ⟦colour⟧ one.", {"colour": "zirp"}) == "Zirp suits it. A zirp one."


@pytest.mark.parametrize("written", ["a ⟦size⟧ dress", "a ⟦size dress", "a ⟦⟧dress"])
def test_a_slot_that_names_nothing_is_left_out(written):
    assert OPEN not in fill_slots(written, {"colour": "red"})


def test_a_lower_cased_text_is_opened_and_filled_as_it_stands():
    slotting = Slotting(capitals=False)
    assert open_slots("zirp suits it . zirp", {"colour": "zirp"}, slotting) == "⟦colour⟧ suits it . ⟦colour⟧"
    assert fill_slots("⟦colour⟧ suits it", {"colour": "zirp"}, slotting) == "zirp suits it"
    assert open_slots("zirp suits it", {"colour": "zirp"}) == "zirp suits it"


def test_a_slot_that_a_model_does_not_know_stays_a_value():
    known = {"colour": "red", "extras": "x; y", "lined": "yes", "kind": "dress"}
    slotting = Slotting(names=frozenset({"colour", "extras 1"}), shown=frozenset())
    assert open_slots("a red dress with x and y", known, slotting) == "a ⟦colour⟧ dress with ⟦extras 1⟧ and y"
    shown = {"⟦colour⟧": "", "⟦extras 1⟧": "", "extras 2": "y", "lined": "yes", "kind": "dress"}
    assert shown_with_slots(known, known, slotting) == shown


def test_mentions_are_wanted_of_what_no_text_states():
    assert wanted_mentions({"lined": "yes", "lined 2": "No", "colour": "red", "size": "?"}) == {"lined": 2, "size": 1}


def test_marks_are_brackets_and_what_nobody_marked_is_marked_once_for_each_value():
    known = {"style": "retro", "pattern": "retro; dots", "kind": "dress"}
    slotting = Slotting(marks=True, names=frozenset({"style", "pattern 1", "pattern 2"}))
    shown = {"⟦style⟧": "retro", "pattern 1": "retro", "⟦pattern 2⟧": "dots", "kind": "dress"}
    assert shown_with_slots(known, known, slotting) == shown
    marked = {"style": "retro", "⟦pattern 1⟧": "retro", "pattern 2": "dots", "kind": "dress"}
    assert shown_with_slots(known, known, slotting, {"pattern 1"}) == marked
