"""The matcher: what counts as stating a value, and what does not."""

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.evaluate import matching
from ecom_llm.evaluate.matching import Matcher, all_members, matchers, members, normal
from ecom_llm.evaluate.quantities import TABLE, han_number, singular

REPO = Path(__file__).parents[3]


def find(values: list[str], text: str) -> set[str]:
    return Matcher(frozenset(map(normal, values))).find(text)


@pytest.mark.parametrize(
    ("values", "text", "stated"),
    [
        (["blue", "navy blue"], "A Navy  Blue dress.", {"navy blue"}),
        (["blue", "navy blue"], "Navy blue with blue trim", {"navy blue", "blue"}),
        (["blue"], "bluish, ablue, blueish", set()),
        (["blue"], "(blue) blue-green", {"blue"}),
        (["pink", "pink cotton shirt", "hot pink"], "hot pink cotton shirt", {"pink cotton shirt"}),
        (["纯棉"], "采用纯棉面料", {"纯棉"}),
        (["4"], "14 pieces, 4.5 stars, 1,4 m, 4th, i4", set()),
        (["4"], "with 4 doors", {"4"}),
        (["4", "16 gb"], "4 gb of memory, 4GB, 4 gbs", set()),
        (["4", "8 slots"], "4 slots", set()),
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


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("15.6 inch", ['a 15.6" screen', "15.6英寸屏幕", "15.6-inch", "15.6 inches", "15.6″", "１５.６寸", "15.6in"]),
        ("1 kg", ["1000 g", "1,000 grams", "1000克", "一千克", "1公斤", "2斤", "1kg", "1 KILO"]),
        ("2 years", ["两年质保", "24 months", "two years", "a 2-year warranty", "24个月"]),
        ("7 hours", ["7h", "7 hrs", "7小时续航", "420 minutes", "seven hours"]),
        ("350毫升", ["350 ml", "0.35升", "三百五十毫升", "350 millilitres"]),
        ("0.75 inch", ["a 3/4 inch hose", '¾" thick', "3/4-inch"]),
        ("29.5 inches", ["29 1/2 inches wide", "29-1/2 inch", "29½ inches"]),
        ("20000毫安", ["2万毫安大容量", "两万毫安", "20000mah", "2.0万毫安"]),
        ("20万", ["售价20万", "200000"]),
        ("$449", ["449 dollars", "449 USD", "$ 449.00"]),
        ("50%", ["50 percent", "５０％"]),
        ("2 pockets", ["two pockets", "a 2-pocket coat"]),
        ("grey", ["Gray wool", "GREY"]),
        ("dresses", ["one dress"]),
        ("100%棉", ["纯棉面料", "全棉"]),
        ("藏青色", ["藏蓝外套", "藏青", "海军蓝色"]),
        ("红", ["红色的", "一件红的", "大家都爱红"]),
        ("咖色", ["咖啡色外套"]),
        ("nylon", ["made of polyamide"]),
    ],
)
def test_the_same_said_otherwise(value, texts):
    for text in texts:
        assert find([value], text) == {normal(value)}, text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["15.6 inch"], 'the "size 15.6" one'),
        (["15.6 inch"], "尺寸“大号15.6”的"),
        (["4 inch"], "4 in stock"),
        (["4 inch", "3"], "a 3/4 inch hose"),
        (["2 inch", "1"], "2½ inches, and 1/2 inch"),
        (["300500", "2", "0 mah"], "有300，500毫升两款，2万毫安，万元大奖"),
        (["1"], "this one is the best one"),
        (["1 kg"], "1 lb, 100 g, 10 kg"),
        (["2.54 cm"], "1 inch"),
        (["24小时"], "足够忙碌一天用"),
        (["和服"], "提供和服务"),
        (["蓝"], "蓝牙耳机"),
        (["红"], "网红同款，送红包"),
        (["黑"], "摸黑也能找到"),
        (["皮"], "真皮肤感"),
        (["10"], "十分舒适"),
        (["3 天"], "三角形"),
        (["bus"], "bu"),
        (["s", "m", "l"], "It's lovely, I'm happy, and we'll keep the women’s one"),
        (["t", "d"], "I don't, and he'd not"),
    ],
)
def test_what_only_looks_alike(values, text):
    assert find(values, text) == set()


def test_a_full_width_comma_lists_two_numbers():
    assert find(["36", "37", "24"], "有36，37两个码，全年24/7在线") == {"36", "37", "24"}


def test_a_value_without_a_word_is_asked_of_no_text():
    assert Matcher(frozenset({"red", "-"})).named(["red", "-"]) == {"red"}


def test_other_tables_read_otherwise(monkeypatch):
    """Metrics are signed with it: a value counted by other tables is not compared."""
    before = matching.reading()
    matching.reading.cache_clear()
    monkeypatch.setattr(matching, "PHRASES", (*matching.PHRASES, ("teal", "petrol")))
    assert matching.reading() != before
    matching.reading.cache_clear()


def test_what_an_apostrophe_cuts_off_leaves_its_word_a_value():
    assert find(["s", "women's", "l"], "women’s, size l") == {"women's", "l"}


def test_chinese_words_part_where_the_vocabulary_says():
    assert find(["红", "连衣裙"], "红裙") == {"红"}, "裙 ends a value, so 红 stands beside a word of its own"
    assert find(["裙"], "连衣裙") == {"裙"}, "what a word ends with, it is"
    assert find(["头层牛皮", "磁吸"], "头层牛皮鞋子，磁吸收口") == {"头层牛皮", "磁吸"}, (
        "jieba cuts what it does not know"
    )


def test_values_that_mean_the_same_have_one_name():
    matcher = Matcher(frozenset({"1 kg", "1000 g", "红", "红色", "navy", "navy blue"}))
    assert matcher.find("1000 g") == matcher.named(["1 kg"]) == matcher.named(["1000 g", "1 kg"]) == {"1 kg"}
    assert matcher.find("红色") == matcher.named(["红"]) == {"红"}
    assert matcher.find("navy") == matcher.named(["navy blue"]) == {"navy"}
    assert matcher.named(["unheard of"]) == {"unheard of"}


ROWS = [[(size, word) for size, words in row.items() for word in words.split() if word.isalpha()] for row in TABLE]
PAIRS = [(row[i], row[j]) for row in ROWS for i in range(len(row)) for j in range(len(row)) if i != j]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PAIRS), st.integers(1, 9999), st.booleans())
def test_units_of_a_dimension_turn_into_each_other_both_ways(pair, count, spaced):
    (size, unit), (other_size, other) = pair
    one, two = (
        f"{number:g}{' ' * spaced}{word}" for number, word in ((count, unit), (count * size / other_size, other))
    )
    if "e" in two.split(other)[0]:
        return  # nobody writes 1e-05 tonnes
    exact = abs(float(two.split(other)[0]) * other_size - count * size) < 1e-9 * count * size
    assert bool(find([one], f"x, {two}.")) == bool(find([two], f"x, {one}.")) == exact


LETTERS = st.text("bcdfghjklmnpqrtvwxz", min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(LETTERS, LETTERS, st.sampled_from(["red", "cotton", "navy blue", "4", "15.6 inch"]))
def test_no_value_is_found_inside_a_word(before, after, value):
    assert find([value], f"{before}{value}{after}") == set()
    assert find([value], f"{before} {value}, {after}") == {value}


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8))
def test_singular_forms_are_stable_and_no_longer(word):
    assert len(singular(word)) <= len(word)


@given(st.integers(1, 9999))
def test_chinese_numerals_are_read(number):
    digits = "零一二三四五六七八九"
    spelled = ""
    for place, unit in zip(reversed(range(4)), ("千", "百", "十", ""), strict=True):
        digit = number // 10**place % 10
        spelled += digits[digit] + unit if digit else ("零" if spelled and spelled[-1] != "零" else "")
    assert han_number(spelled.rstrip("零")) == number


@settings(deadline=None)
@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=8).map(normal), max_size=5))
def test_any_text_is_taken_and_only_values_are_found(text, values):
    assert find(values, text) <= set(values)


def test_lists_part_and_values_without_words_of_their_own_go():
    assert members("Soft fabric; good fit;true ; ") == ["soft fabric", "good fit"]
    assert members("dont_care") == members("是") == members("None") == []
    assert all_members({"a": "red; blue", "b": "no"}) == {"red", "blue"}


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


SCORING = ("matching", "metrics", "quantities", "synonyms", "scores")
"""Modules of the evaluate room that judge texts."""


def imported(path: Path, seen: set[Path]) -> set[Path]:
    """The first-party files behind a file."""
    if path in seen or not path.is_file():
        return seen
    seen.add(path)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            base = REPO.joinpath(*name.split("."))
            imported(base.with_suffix(".py"), seen)
            imported(base / "__init__.py", seen)
    return seen


WRITERS = [
    REPO / "ecom_llm/write/generation.py",
    *sorted((REPO / "ecom_llm/skills").glob("*.py")),
    *sorted((REPO / "ecom_llm/serve").glob("*.py")),
]


@pytest.mark.parametrize("writer", WRITERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_writes_or_chooses_a_text_never_sees_what_scores_it(writer):
    behind = {path.relative_to(REPO / "ecom_llm").with_suffix("").parts for path in imported(writer, set())}
    judging = {parts for parts in behind if parts[0] == "evaluate" and len(parts) > 1 and parts[1] in SCORING}
    assert not judging, f"{writer} rests on {judging}"
