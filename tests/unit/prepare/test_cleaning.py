"""Cleaning: every operation is what its plain-Python definition says, on random Unicode and on what only looks like damage."""

import re
import unicodedata

import daft
import ftfy
import polars as pl
import pyarrow as pa
import pytest
from ftfy.badness import BADNESS_RE
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.peers import operations as plain
from ecom_llm.prepare.cleaning import OPERATIONS, _operation, _unsettled, cleaned, cleaned_texts
from ecom_llm.records import UserError

ALL = tuple(OPERATIONS)
# Characters that Python's Unicode does not know yet are left out: polars may know how they compose.
KNOWN = st.characters(exclude_categories=("Cs", "Cn"))
SPELT = (
    "<p> </p> <br/> <BR> <b> </b> <script> </script> <style> </style> <!-- --> <!doctype html> <UNK> < > & ; = \" ' "
    "&amp; &lt; &amp;lt; &#39; &#x4F60; &nbsp; &notit; &copy &eacute; &#0; &#128; <a~href='x'> <img~src=x> é e\u0301 Å ﬁ "
    "Ω Ã© Ã¼ â€™ ä½~å¥½ Â ½ “ ” ’ … 中文 。 한 \u1112\u1161\u11ab \u0e01\u0e33 ÂŸ"
)
PIECES = st.sampled_from([piece.replace("~", " ") for piece in SPELT.split(" ")])
BLANKS = st.sampled_from(["", " ", "  ", "\t", "\n", "\x1c", "\x1f", "\x85", "\xa0", "\u2003", "\u3000", "\u2028"])
UNSEEN = st.sampled_from(
    [
        "\x00",
        "\x08",
        "\x7f",
        "\x80",
        "\x9f",
        "\xad",
        "\u200b",
        "\u200e",
        "\u202d",
        "\u2069",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\ufe0f",
    ]
)
TEXTS = st.lists(st.one_of(PIECES, PIECES, BLANKS, UNSEEN, st.text(KNOWN, max_size=4)), max_size=14).map("".join)
MOJIBAKE = st.builds(
    lambda text, encoding: text.encode().decode(encoding, errors="replace"),
    TEXTS,
    st.sampled_from(["latin-1", "windows-1252", "windows-1251", "macroman", "gb18030"]),
)
COLUMNS = st.lists(st.one_of(st.none(), TEXTS, MOJIBAKE), max_size=12)


def run(texts, names):
    """The column after the operations, through the Daft expression."""
    frame = daft.from_pydict({"text": pa.array(texts, type=pa.large_string())})
    return frame.select(cleaned(daft.col("text"), names)).to_pydict()["text"]


@pytest.mark.parametrize("name", ALL)
@given(texts=COLUMNS)
@settings(max_examples=80, deadline=None)
def test_each_operation_is_what_plain_python_does(name, texts):
    found = cleaned_texts(pl.Series(texts, dtype=pl.String), (name,)).to_list()
    assert found == [None if text is None else plain.OPERATIONS[name](text) for text in texts]


@given(texts=COLUMNS, names=st.lists(st.sampled_from(ALL), unique=True).map(tuple))
@settings(max_examples=80, deadline=None)
def test_any_selection_in_any_order_is_what_plain_python_does(texts, names):
    column = pl.Series(texts, dtype=pl.String)
    found = cleaned_texts(column, names).to_list()
    assert found == [None if text is None else plain.clean(text, list(names)) for text in texts]
    assert column.to_list() == texts  # the caller's column is left as it was


@given(texts=st.lists(TEXTS, max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_last_three_are_the_cleaning_of_version_one(texts):
    found = cleaned_texts(pl.Series(texts, dtype=pl.String), ("control", "unicode", "whitespace")).to_list()
    unseen = {place: None for place in range(0xA0) if unicodedata.category(chr(place)) == "Cc"}
    unseen |= dict.fromkeys(
        [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
    )
    kept = str.maketrans({place: to for place, to in unseen.items() if not chr(place).isspace()})
    assert found == [" ".join(unicodedata.normalize("NFC", text.translate(kept)).split()) for text in texts]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("a<b", "a<b"),
        ("if a <b and c> d", "if a <b and c> d"),
        ("List<String> and <UNK>", "List<String> and <UNK>"),
        ("I <3 it, 10<p", "I <3 it, 10<p"),
        ("R&D, AT&T, ?a=1&copy=2", "R&D, AT&T, ?a=1&copy=2"),
        ("&amp;lt;b&amp;gt; &amp;#39;", "&lt;b&gt; &#39;"),
        ("&lt;b&gt; is a tag", "<b> is a tag"),
        ("&bogus; &notit;", "&bogus; &notit;"),
        ("&#20320;&#x597D; &eacute;", "你好 é"),
        ("wa<b>ter</b>proof, m<sup>2</sup>", "waterproof, m2"),
        ("one<br>two<BR />three", "one two three"),
        ('<p class="a>b" hidden>One</p><p>Two</p>', "One Two"),
        ("x<!-- no <p> -->y<script type='a'>if (a<b) {}</script>z<style>p{}</style>", "xyz"),
        ("<scripting>", "<scripting>"),
        ("one<<b>p>two", "one two"),  # hidden tags first: what they leave may be a tag
    ],
)
def test_what_is_markup_and_what_is_not(text, wanted):
    assert run([text], ("html", "whitespace")) == [wanted]


@pytest.mark.parametrize(
    "text",
    [
        "你好，世界！“很好” – 不错…",
        "Crème brûlée – naïve façade “Škoda” 20 °C ±2 µm × ½ £5 €3 ™",
        "한국어 日本語 ไทย हिन्दी",
        "👩‍👩‍👧 ❤️",
    ],
)
def test_good_text_stays(text):
    assert run([text], ALL) == [text]


def test_mojibake_is_undone_on_its_row_only():
    good = "“Crème brûlée” – 很好"
    damaged = [good.encode().decode("latin-1"), "CafÃ© für alle", "schÃ¶n", "l’Ã©tÃ©"]
    wanted = [good, *map(ftfy.fix_encoding, damaged[1:])]
    assert run([good, *damaged, None], ("mojibake",)) == [good, *wanted, None]


EVERYTHING = [chr(place) for place in range(0x110000) if not 0xD800 <= place < 0xE000]


def matching(pattern, texts):
    """The texts in which Rust finds the pattern."""
    return set(pl.Series(texts, dtype=pl.String).filter(pl.Series(texts, dtype=pl.String).str.contains(pattern)))


SUSPICIOUS = sorted({*BADNESS_RE.pattern, *"aZß1½ \u2160\x1c\x1f"} - set("[]()|\\\n"))


def test_what_python_takes_for_a_letter_or_a_blank_the_translation_does_too():
    for theirs, ours in ((r"\w", r"[\w\p{N}]"), (r"\s", r"[\s\x1c-\x1f]")):
        assert ours in _operation("mojibake").trigger
        known = [one for one in EVERYTHING if unicodedata.category(one) != "Cn"]
        assert {one for one in known if re.match(theirs, one)} <= matching(ours, known)


@given(texts=st.lists(st.text(SUSPICIOUS, min_size=2, max_size=8), min_size=20, max_size=20))
@settings(max_examples=150, deadline=None)
def test_no_text_in_which_ftfy_sees_mojibake_is_passed_over(texts):
    assert {text for text in texts if BADNESS_RE.search(text)} <= matching(_operation("mojibake").trigger, texts)


def test_no_text_that_is_not_nfc_is_passed_over():
    looked_at = matching(_unsettled(), EVERYTHING)
    composed = {second for one in EVERYTHING for second in unicodedata.normalize("NFD", one)[1:]}
    moved = {one for one in EVERYTHING if unicodedata.combining(one) or unicodedata.normalize("NFC", one) != one}
    assert looked_at >= composed | moved
    assert "中" not in looked_at and "é" not in looked_at and "\ufe0f" not in looked_at


def test_nothing_chosen_nothing_done_and_an_unknown_name_is_refused():
    assert run([" a ", None], ()) == [" a ", None]
    with pytest.raises(UserError, match="'htm'; expected some of html, mojibake, control, unicode, whitespace"):
        cleaned(daft.col("text"), ("htm",))


def test_each_operation_is_an_expression_of_its_own():
    frame = daft.from_pydict({"text": ["<p>e\u0301\x00 ", None]})
    assert {name: frame.select(make(frame["text"])).to_pydict()["text"] for name, make in OPERATIONS.items()} == {
        "html": [" e\u0301\x00 ", None],
        "mojibake": ["<p>e\u0301\x00 ", None],
        "control": ["<p>e\u0301 ", None],
        "unicode": ["<p>é\x00 ", None],
        "whitespace": ["<p>e\u0301\x00", None],
    }
