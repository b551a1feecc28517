"""Words for searching and counting: text -> keywords, segmented, stemmed and without stop words.

Nothing here touches what the language model learns from (docs/adr/0009-words-are-for-searching-not-for-learning.md).
"""

import warnings
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING
from unicodedata import normalize

import regex
import Stemmer

if TYPE_CHECKING:
    import jieba

UNSPACED = r"\p{Hiragana}\p{Katakana}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts beside Han without spaces between words; the long-vowel mark belongs to no script and is kana all the same."""
LETTER = rf"[[\p{{L}}\p{{N}}]--[\p{{Han}}{UNSPACED}]]"
# marks go on with a word: without them Hindi and Tamil would fall apart at their vowel signs; those of emoji do not
SPACED = rf"{LETTER}[[\p{{L}}\p{{N}}\p{{Mn}}\p{{Mc}}]--[\p{{Han}}{UNSPACED}\p{{Variation_Selector}}]]*"
JOINT = r"[-_]|(?<=\p{N})[.,/](?=\p{N})"
STRETCH = regex.compile(rf"(?V1)(?P<han>\p{{Han}}+)|(?P<unspaced>[{UNSPACED}]+)|{SPACED}(?:(?:{JOINT}){SPACED})*")
"""A run of one kind of script; in spaced scripts with the signs by which model codes and numbers are joined."""
HYPHEN = regex.compile(r"[-_]")
DIGIT = regex.compile(r"\p{N}")
MEASURE = regex.compile(r"\p{N}+(?:[.,/]\p{N}+)?(?:-\p{L}{2,})+")
"""A number and plain words, such as `10-inch`: a measure that others write with a space, and no model code."""
FUNCTION_WORDS = frozenset("cpruyeo")
"""First letters of jieba's word classes for conjunctions, prepositions, pronouns, particles and interjections."""
LISTS = {
    "da": "DANISH",
    "de": "GERMAN",
    "en": "EN_PLUS",
    "es": "SPANISH",
    "fr": "FRENCH",
    "it": "ITALIAN",
    "ko": "KOREAN",
    "nl": "DUTCH",
    "no": "NORWEGIAN",
    "pt": "PORTUGUESE",
    "ru": "RUSSIAN",
    "sv": "SWEDISH",
    "tr": "TURKISH",
    "zh": "CHINESE",
}
"""Language -> its list of stop words in bm25s (MIT)."""
NORWEGIAN = {"nb": "no", "nn": "no"}


def language_of(locale: str) -> str:
    """The language of a locale as Snowball and the lists call it: `en-GB` -> `en`, `nb` -> `no`."""
    language = locale.split("-")[0].lower()
    return NORWEGIAN.get(language, language)


@cache
def segmenter() -> "jieba.Tokenizer":
    """jieba's own dictionary and model in a tokenizer of ours; its 0.7 s are paid by the first Chinese text.

    Not `initialize()`: that logs to stderr and trusts a marshalled `jieba.cache` in the folder for temporary files,
    where another user, or another version of jieba, may have left one.
    """
    with warnings.catch_warnings():
        # jieba is of 2020: compiling it warns of escapes, and older setuptools of pkg_resources
        warnings.simplefilter("ignore")
        import jieba
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


@cache
def stemmer(language: str) -> "Stemmer.Stemmer | None":
    """Snowball's stemmer for an ISO 639 code; None for languages it has none for, such as Chinese."""
    try:
        return Stemmer.Stemmer(language)
    except (KeyError, UnicodeEncodeError):
        return None


def folded(text: str) -> str:
    """Text as words are compared: compatibility forms (full width, ligatures) and case made equal."""
    # İ folds to an i with a dot of its own, and would part from the i that others write
    return normalize("NFKC", normalize("NFKC", text).casefold().replace("i\u0307", "i"))


def published(language: str) -> frozenset[str]:
    """The published stop words of a language, as `folded` spells them; none where there is no list."""
    # here and not above: importing any of bm25s imports SciPy, half a second that counting words can do without
    from bm25s import stopwords

    words = getattr(stopwords, f"STOPWORDS_{LISTS[language]}") if language in LISTS else ()
    return frozenset(map(folded, words))


@cache
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language.

    Of the Chinese list those that are single characters, or function words by jieba's dictionary: it also holds what
    customers ask about, such as 安全 (safe), 方便 (handy) and 适用 (suitable), and negations such as 不能 (cannot).
    """
    listed = published(language)
    if language != "zh":
        return listed
    with segmenter().get_dict_file() as lines:
        entries = (line.split() for line in lines.read().decode().splitlines())
        functional = {word for word, _, tag in entries if word in listed and tag[0] in FUNCTION_WORDS}
    return frozenset(word for word in listed if len(word) == 1 or word in functional)


@lru_cache(maxsize=100_000)
def segmented(run: str) -> tuple[str, ...]:
    """The words of a run of Han; remembered, since customer service says the same half-sentences all day."""
    return tuple(segmenter().lcut_for_search(run))


def pairs(run: str) -> list[str]:
    """Overlapping pairs of characters, the words of scripts without a segmenter here (as Lucene's CJKBigramFilter)."""
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def pieces(stretch: str) -> list[str]:
    """The words of a stretch in a spaced script: apart at its hyphens, unless it is a number or a model code."""
    if DIGIT.search(stretch) and not MEASURE.fullmatch(stretch):
        return [stretch]
    return HYPHEN.split(stretch)


def words(text: str, locale: str) -> Iterator[str]:
    """Every word of a text in order, folded: stop words are among them and nothing is stemmed.

    Chinese is cut in jieba's search mode, where the parts of a long word stand before it (手机, 手机壳).
    """
    # Han may be Japanese, whose words a Chinese dictionary would cut wrongly; elsewhere it is most likely Chinese
    japanese = language_of(locale) == "ja"
    for match in STRETCH.finditer(folded(text)):
        run, kind = match.group(), match.lastgroup
        if kind is None:
            yield from pieces(run)
        elif kind == "unspaced" or japanese:
            yield from pairs(run)
        else:
            yield from segmented(run)


def keywords(text: str, locale: str) -> list[str]:
    """What a text is found and compared by: its words in order, repeats kept, stop words out, stems for words.

    Numbers and model codes stay whole and as spelt (`2.5`, `wh-1000xm4`; `16gb` and `16 gb` are therefore different),
    and `10-inch` is `10` and `inch`. Equal input gives equal output; any string is taken, and none raises.

    Stems by Snowball (Porter 1980, "An algorithm for suffix stripping"; snowballstem.org). Its stemmers keep a cache
    and are not made for use by several threads at once.

    Args:
        text: in whatever script.
        locale: BCP 47 tag; its language picks stemmer and stop words.
    """
    language = language_of(locale)
    stop, stem = stop_words(language), stemmer(language)
    kept = [word for word in words(text, locale) if word not in stop]
    return [word if stem is None or DIGIT.search(word) else stem.stemWord(word) for word in kept]


def signature(locale: str) -> str:
    """What decides the keywords of a locale, with versions: numbers made from keywords mean nothing without."""
    language = language_of(locale)
    parts = [f"seg:jieba {version('jieba')}"] if language == "zh" else []
    parts += [f"stem:snowball {language} {version('PyStemmer')}"] if stemmer(language) else []
    parts += [f"stop:bm25s {language} {version('bm25s')}"] if language in LISTS else []
    return "|".join(["keywords", *parts])
