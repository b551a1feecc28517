"""Quality filters: reasons why a text is not learned from, each with a name by which it is switched on.

A filter looks only at texts that no earlier one has refused, and the dear ones first at a cheap sign, so that a whole
column is judged at the speed of the cleaning. Texts are taken as `ecom_llm.prepare.cleaning` leaves them.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import daft
import numpy as np
import polars as pl
import pyarrow as pa
from daft import DataType, Expression, Series

from ecom_llm.prepare.language import identified_texts
from ecom_llm.prepare.repetition import REPEATS, SENTENCE_ENDS, UNPARTED, repetition
from ecom_llm.records import UserError

Judged = Callable[[pl.Series, pl.Series, "Limits"], pl.Series]
"""Texts, their declared locales, the limits -> the reason for each text, or null."""

ADDRESS = r"(?i)(?:https?://|www\.)[!-~]+"
PLACEHOLDER = (
    r"(?i)^[\s\p{P}\p{S}]*(?:n\s?/\s?a|null|nil|nan|undefined|tbd|tba|todo|test(?:ing)?(?: ?\d+)?|asdf\w*|qwerty\w*|x{3,}|"
    r"no (?:description|comment|review|answer|text)s?(?: (?:available|provided|yet|given))*|not available|coming soon|"
    r"description|placeholder|sample text|此用户没有填写评[价论]内?容?|该?用户未(?:填写评[价论]|及时评价，?系统默认好评)(?:内容)?|"
    r"系统默认好评|默认好评|评价方未及时做出评价.{0,12}|暂无(?:描述|评[价论]|介绍|内容|数据)|测试\d*)[\s\p{P}\p{S}]*$"
)
"""Texts that stand for a text: what shops' systems write where a person wrote nothing. `没有` and `none` are answers."""
PLACEHOLDER_LENGTH = 60
"""Characters above which a text is looked through for filler only."""
FILLER = r"(?i)lorem ipsum|dolor sit amet"

TOKEN_OR_END = rf"[{UNPARTED}{SENTENCE_ENDS}]|[\p{{L}}\p{{N}}--[{UNPARTED}]]+"
"""A `TOKEN` or the end of a sentence, in Rust's syntax, whose `\\w` holds accents too."""
ODD = np.uint64(0x9E3779B97F4A7C15)
"""Makes the first word of a pair differ from the second (2 ** 64 over the golden ratio, as Knuth has it)."""


@dataclass(frozen=True)
class Limits:
    """What the filters allow; all from params."""

    min_characters: int
    max_characters: int
    min_letters: float
    """Smallest share of letters among the characters that are not white space."""
    max_links: float
    """Largest share of a text's characters that stand in web addresses."""
    max_repetition: float
    """Largest share of a text's words in one repeated n-gram (2 to 4 words), or in sentences said before."""


def _said(found: pl.Series, reason: str) -> pl.Series:
    """The reason where found."""
    return pl.select(pl.when(found).then(pl.lit(reason)).alias("reason"))["reason"]


def _short(texts: pl.Series, _: pl.Series, limits: Limits) -> pl.Series:
    short = texts.str.len_chars() < limits.min_characters
    return _said(short, f"text: shorter than {limits.min_characters} characters")


def _long(texts: pl.Series, _: pl.Series, limits: Limits) -> pl.Series:
    long = texts.str.len_chars() > limits.max_characters
    return _said(long, f"text: longer than {limits.max_characters} characters")


def _placeholder(texts: pl.Series, _: pl.Series, limits: Limits) -> pl.Series:
    brief = (texts.str.len_chars() <= PLACEHOLDER_LENGTH).arg_true()
    standing_in = _at(brief, texts.gather(brief).str.contains(PLACEHOLDER), len(texts))
    return _said(standing_in | texts.str.contains(FILLER), "text: a placeholder")


def _letters(texts: pl.Series, _: pl.Series, limits: Limits) -> pl.Series:
    """As Gopher's share of words with a letter (Rae et al. 2021, table A1), by characters: a share of Han needs no words."""
    # What is not a letter is rarer, so that is counted; marks count as letters, or Thai and Hindi would seem half empty.
    seen = texts.str.len_chars() - texts.str.count_matches(r"\s")
    letters = seen - texts.str.count_matches(r"[^\p{L}\p{M}\s]")
    return _said(
        letters < seen * limits.min_letters, f"text: fewer than {limits.min_letters:.0%} of its characters are letters"
    )


def _links(texts: pl.Series, _: pl.Series, limits: Limits) -> pl.Series:
    suspects = texts.str.contains(ADDRESS).arg_true()
    asked = texts.gather(suspects)
    left = asked.str.replace_all(ADDRESS, "").str.len_chars()
    many = (asked.str.len_chars() - left) > asked.str.len_chars() * limits.max_links
    return _said(_at(suspects, many, len(texts)), f"text: more than {limits.max_links:.0%} of it are web addresses")


def _may_repeat(texts: pl.Series, limit: float) -> pl.Series:
    """Whether `repetition` may be above the limit, for a whole column at once; in natural texts it seldom may.

    An n-gram of at most 4 words covers no more than 4 times as many words as it has occurrences, and its first pair stands
    at least as often. Pairs and sentences are compared by hashes: two that share one cost a second look and no more.
    """
    words = texts.str.to_lowercase().str.extract_all(TOKEN_OR_END)
    every = pl.DataFrame({"row": np.arange(len(texts), dtype=np.uint64), "word": words}).explode("word")
    ends = every["word"].is_in(list(SENTENCE_ENDS))
    spoken = ends.not_().fill_null(False)
    row, hashes = every["row"].filter(spoken).to_numpy(), every["word"].filter(spoken).hash().to_numpy()
    sentence = ends.cum_sum().filter(spoken).to_numpy()
    sizes = np.maximum(np.bincount(row.astype(np.int64), minlength=len(texts)), 1)
    often = _most_frequent(row, hashes, len(texts)) * 4
    return pl.Series((often / sizes > limit) | (_said_again(row, sentence, hashes, len(texts)) / sizes > limit))


def _most_frequent(row: np.ndarray, hashes: np.ndarray, rows: int) -> np.ndarray:
    """How often the most frequent pair of words stands in each text, 0 when that is below REPEATS."""
    pairs = _within(row, hashes * ODD + np.roll(hashes, -1), rows)[:-1][row[1:] == row[:-1]]
    pairs.sort()
    places = np.flatnonzero(np.diff(pairs, prepend=~pairs[:1]))
    counts = np.diff(places, append=len(pairs))
    most = np.zeros(rows, np.int64)
    np.maximum.at(most, _row(pairs[places[counts >= REPEATS]], rows), counts[counts >= REPEATS])
    return most


def _said_again(row: np.ndarray, sentence: np.ndarray, hashes: np.ndarray, rows: int) -> np.ndarray:
    """The words of each text that stand in sentences said before in it."""
    firsts = np.flatnonzero(np.diff(row, prepend=~row[:1]) | np.diff(sentence, prepend=~sentence[:1]))
    lengths = np.diff(firsts, append=len(row))
    # Weights that grow along the sentence: the same words in another order are another sentence.
    weights = 2 * (np.arange(len(row)) - np.repeat(firsts, lengths)).astype(np.uint64) + 1
    sums = _within(row[firsts], np.add.reduceat(hashes * weights, firsts), rows)
    order = np.argsort(sums, kind="stable")
    again = order[1:][sums[order][1:] == sums[order][:-1]]
    return np.bincount(_row(sums[again], rows), lengths[again], minlength=rows)


def _within(row: np.ndarray, hashes: np.ndarray, rows: int) -> np.ndarray:
    """Hashes with the row in the highest bits, so that one sort brings together the equal ones of each text.

    Grouping by row and hash takes ten times as long.
    """
    bits = max(rows.bit_length(), 1)
    return (row << np.uint64(64 - bits)) | (hashes >> np.uint64(bits))


def _row(keys: np.ndarray, rows: int) -> np.ndarray:
    """The rows that `_within` put into the keys."""
    return (keys >> np.uint64(64 - max(rows.bit_length(), 1))).astype(np.int64)


def _repetition(texts: pl.Series, _: pl.Series, limits: Limits) -> pl.Series:
    suspects = _may_repeat(texts, limits.max_repetition).arg_true()
    worse = [repetition(text) > limits.max_repetition for text in texts.gather(suspects).to_list()]
    return _said(_at(suspects, worse, len(texts)), f"text: more than {limits.max_repetition:.0%} of it repeats itself")


def _language(texts: pl.Series, locales: pl.Series, limits: Limits) -> pl.Series:
    """Only where identification is sure: see `ecom_llm.prepare.language`."""
    frame = pl.DataFrame({"found": identified_texts(texts, locales), "locale": locales})
    declared = pl.col("locale").str.extract(r"^([A-Za-z]+)").str.to_lowercase()
    reason = pl.format("text: its language is {} and not {}", "found", "locale")
    return frame.select(pl.when(pl.col("found") != declared).then(reason).alias("reason"))["reason"]


def _at(places: pl.Series, values: Sequence[bool] | pl.Series, length: int) -> pl.Series:
    """True where a value at one of the places is."""
    flags = pl.Series([False], dtype=pl.Boolean).new_from_index(0, length)
    return flags.scatter(places, values) if len(places) else flags


FILTERS: dict[str, Judged] = {
    "placeholder": _placeholder,
    "short": _short,
    "long": _long,
    "letters": _letters,
    "links": _links,
    "repetition": _repetition,
    "language": _language,
}
"""Name -> filter, the cheap ones first."""


def reasons_of(texts: pl.Series, locales: pl.Series, filters: Sequence[str], limits: Limits) -> pl.Series:
    """The first reason against each text, in the order of `filters`; null where there is none, or no text."""
    found = pl.Series("reason", [None] * len(texts), dtype=pl.String)
    for name in filters:
        open_ones = (found.is_null() & texts.is_not_null()).arg_true()
        if len(open_ones):
            found.scatter(open_ones, FILTERS[name](texts.gather(open_ones), locales.gather(open_ones), limits))
    return found


@daft.func.batch(return_dtype=DataType.string(), use_process=False)
def _reasons(column: Series, locale: Series, filters: str, limits: str) -> pa.Array:
    texts, locales = (pl.Series(part.to_arrow(), dtype=pl.String) for part in (column, locale))
    found = reasons_of(texts, locales, filters.split(","), Limits(**json.loads(limits)))
    return found.to_arrow(compat_level=pl.CompatLevel.oldest())


def reasons(column: Expression, locale: Expression, filters: tuple[str, ...], limits: Limits) -> Expression:
    """The first reason against each text of a column of cleaned strings, or null; `locale` is the declared one (BCP 47).

    Raises:
        UserError: a filter is not known.
    """
    unknown = [name for name in filters if name not in FILTERS]
    if unknown:
        raise UserError(
            f"prepare.filters: no filter is named {unknown[0]!r}; expected some of {', '.join(FILTERS)}. "
            "Mend the name in params.yaml."
        )
    if not filters:
        return daft.lit(None).cast(DataType.string())
    return _reasons(column, locale, ",".join(filters), json.dumps(asdict(limits)))
