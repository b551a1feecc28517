"""The matcher: what counts as stating a value, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.evaluate.matching import Matcher, all_members, inside_word, matchers, members, normal


def find(values: list[str], text: str) -> set[str]:
    return Matcher(frozenset(map(normal, values))).find(text)


@pytest.mark.parametrize(
    ("values", "text", "stated"),
    [
        (["blue", "navy blue"], "A Navy  Blue dress.", {"navy blue"}),
        (["blue", "navy blue"], "Navy blue with blue trim", {"navy blue", "blue"}),
        (["blue"], "bluish, blues, ablue", set()),
        (["blue"], "(blue) blue-green", {"blue"}),
        (["navy blue", "blue cotton shirt"], "navy blue cotton shirt", {"blue cotton shirt"}),
        (["红", "红色"], "红色连衣裙", {"红色"}),
        (["红", "红色"], "红裙与红色连衣裙", {"红", "红色"}),
        (["纯棉"], "采用纯棉面料", {"纯棉"}),
        (["4"], "14 pieces, 4.5 stars, 1,4 m, 4th, i4", set()),
        (["4"], "with 4 doors", {"4"}),
        (["4", "16 gb"], "4 gb of memory, 4GB", set()),
        (["4", "16 gb"], "4 gbs", {"4"}),
        (["4", "4 gb"], "4 gb", {"4 gb"}),
        (["windows 8", "windows 8.1"], "windows 8.1", {"windows 8.1"}),
        (["windows 8"], "windows 8.1", set()),
        (["windows 8"], "runs windows 8.", {"windows 8"}),
        (["2.3 kg", "3 kg"], "12.3 kg, 2.3 kg", {"2.3 kg"}),
        (["350毫升", "4"], "容量350毫升，重4毫升，有4个", {"350毫升", "4"}),
        (["50毫升"], "350毫升", set()),
        (["iphone"], "适用iPhone手机", {"iphone"}),
        (["STRASSE"], "die Straße", {"strasse"}),
        (["cafe\u0301"], "a café", {"café"}),
        ([], "nothing to find", set()),
        (["red"], "", set()),
    ],
)
def test_what_counts_as_stated(values, text, stated):
    assert find(values, text) == stated


def test_lists_part_and_values_without_words_of_their_own_go():
    assert members("Soft fabric; good fit;true ; ") == ["soft fabric", "good fit"]
    assert members("dont_care") == members("是") == members("None") == []
    assert all_members({"a": "red; blue", "b": "no"}) == {"red", "blue"}


def naive(values: set[str], text: str) -> set[str]:
    """Longest value first, then leftmost: each place it stands in, unless it overlaps something taken."""
    taken: set[int] = set()
    found = set()
    for value in sorted(values, key=len, reverse=True):
        for start in range(len(text) - len(value) + 1):
            span = set(range(start, start + len(value)))
            whole = not inside_word(text, start) and not inside_word(text, start + len(value))
            if text[start : start + len(value)] == value and whole and not span & taken:
                taken |= span
                found.add(value)
    return found


# one length only ever meets another in the naive matcher, so ties between equal lengths are left out
@given(st.lists(st.text("ab 红色", min_size=1, max_size=5).map(normal), max_size=8), st.text("ab 红色", max_size=25))
def test_it_agrees_with_a_naive_matcher(values, text):
    by_length = {len(value): value for value in values if value}
    assert Matcher(frozenset(by_length.values())).find(text) == naive(set(by_length.values()), normal(text))


def test_the_vocabulary_is_what_facts_use_in_the_locale(make_example):
    examples = [
        make_example("describe", "en", 1, {"colour": "red", "fit": "loose"}, "x"),
        make_example("describe", "zh", 1, {"颜色": "红"}, "x"),
        make_example("advertise", "en", 1, {"colour": "blue", "goal": "clearance", "audience": "students"}, "x"),
        make_example("review", "en", 1, {"category": "dress", "stars": "5", "strengths": "soft; cheap"}, "x"),
        make_example("answer", "en", 1, {"colour": "green", "fit": "slim", "question": "what fit"}, "It is slim."),
    ]
    found = {key: set(matcher.values) for key, matcher in matchers(examples).items()}
    assert found["describe", "en"] == {"red", "blue", "green", "loose", "slim"}
    assert found["describe", "zh"] == {"红"}
    assert found["advertise", "en"] == {"red", "blue", "green"}
    assert found["review", "en"] == {"soft", "cheap"}
    assert found["answer", "en"] == {"loose", "slim"}
