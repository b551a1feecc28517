"""The page as a file: nothing of a shop's text can break out of it, and it asks nothing of any network."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.human.page import embedded, render_sheet
from ecom_llm.human.study import SCALES
from ecom_llm.human.words import REASONS, WORDS
from ecom_llm.skills import SKILLS


@given(st.text())
def test_no_text_leaves_its_script_element(text):
    body = str(embedded({"text": text + "</script><!--"}))
    assert "<" not in body
    assert json.loads(body)["text"] == text + "</script><!--"


def test_the_page_names_no_address_and_allows_none(study):
    page = render_sheet(study.sheets[0])
    assert not re.search(r"(?:https?:)?//\w", page)
    assert not re.search(r"""\b(?:src|href|action)=["']""", page)
    assert "default-src 'none'" in page


def test_both_languages_say_the_same_things():
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for name, said in WORDS["en"].items():
        assert set(re.findall(r"\{\w+\}", said)) == set(re.findall(r"\{\w+\}", WORDS["zh"][name])), name


def test_there_is_a_word_for_everything_that_is_shown():
    needed = {*SKILLS, *(f"reason_{one}" for one in REASONS), *SCALES}
    needed |= {f"{scale}_{end}" for scale in SCALES for end in (1, 5)}
    assert needed <= WORDS["en"].keys()
