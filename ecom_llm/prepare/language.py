"""Language identification: the script first, then function words, and lingua only where these speak against the shop.

lingua reads well but slowly (0.3 MB/s here, one text at a time): asked about every text it would take longer than all the
rest of the preparation. Most texts are in the language the shop declares, and two of its function words prove that at the
speed of a regular expression. So lingua is asked only about texts that show the words of another language and none of
the declared one, and believed only when it is sure and finds the same language as the words.
"""

from functools import cache

import daft
import polars as pl
import pyarrow as pa
from daft import DataType, Expression, Series, col
from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

LETTERS = 20
"""Texts with fewer letters say nothing: a brand name is in no language. Han, Kana and Hangul count thrice."""
SURE = 0.9
"""lingua's confidence from which it is believed."""
LEADING = 200
"""Characters shown to lingua: more make it slower and no surer."""
FUNCTION_WORDS = {
    "de": "und der die das ist nicht mit für ein eine einen auf auch ich sehr wie aber sind dem den wird oder nach aus bei",
    "en": "the and with this for it you are that have not my but they very from your will which just when would these been",
    "es": "el los las que es con para una por muy del pero está como más este esta sus son hay todo también",
    "fr": "le les des est et une pour avec dans pas très que qui sur plus mais nous vous je cette sont ce aux",
    "it": "il che è di per con una sono molto del della non più anche come questo questa nel gli ma alla dei",
    "nl": "het een van niet met voor zijn ook maar heel dit deze wordt zeer naar bij uit heeft deel wel",
    "pl": "jest nie się na do że bardzo ale jak dla tego przez być czy już tylko oraz po jego które",
    "pt": "os que não com para uma por muito mas mais como este esta são você dos das ao pelo pela seu sua também",
    "sv": "och är det som inte för med en ett på av har jag den till mycket men om från kan",
    "tr": "ve bir bu çok için ile da de ama olarak daha gibi ürün güzel değil en var ben kadar sonra",
}
"""Language -> words that hold its sentences together; no single letters, which stand for sizes and units, and not those of
English that other languages write too (is, of, was, as, to): two of these would hide a Dutch text in an English shop."""
SCRIPTS = {
    "Hangul": {"ko"},
    "Cyrillic": {"be", "bg", "kk", "ky", "mk", "mn", "ru", "sr", "tg", "uk"},
    "Arabic": {"ar", "fa", "ku", "ps", "sd", "ug", "ur"},
}
"""Script -> the languages written in it; Latin, Han and Kana are treated apart."""
TAGS = {"Hangul": "ko", "Cyrillic": "und-Cyrl", "Arabic": "und-Arab"}
"""Script -> what is said of a text whose declared language is not written so: BCP 47, `und` for undetermined."""


def _two_of(language: str) -> str:
    """An expression that finds two function words. `(?-u:\\b)` keeps the search in Rust's fast automaton."""
    word = rf"(?-u:\b)(?:{'|'.join(FUNCTION_WORDS[language].split())})(?-u:\b)"
    return rf"(?is){word}.*?{word}"


@cache
def _detector() -> LanguageDetector:
    codes = [getattr(IsoCode639_1, language.upper()) for language in FUNCTION_WORDS]
    # Trigrams alone: longer n-grams cost a gigabyte, and the function words have made sure already.
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).with_low_accuracy_mode().build()


def _asked(text: str) -> str | None:
    """What lingua is sure of, as an ISO 639-1 code."""
    first = _detector().compute_language_confidence_values(text[:LEADING])[0]
    return first.language.iso_code_639_1.name.lower() if first.value >= SURE else None


def _length(texts: pl.Series, script: str) -> pl.Series:
    """How many characters of a script there are: what is not of it is cut out in runs, faster than counting one by one."""
    return texts.str.replace_all(rf"\P{{{script}}}+", "").str.len_chars()


def _by_script(letters: pl.Series, declared: pl.Series) -> pl.Series:
    """The language of texts (given by their letters alone) that are not in Latin script, by the shares of their scripts.

    A third is enough for Han: it says in one character what takes Latin three, and Chinese texts are full of brands.
    """
    chinese = _length(letters, "Han") * 3 > letters.str.len_chars()
    found = pl.select(pl.when(chinese).then(pl.lit("zh")).alias("language"))["language"]
    mixed = letters.str.contains(r"[^\p{Han}\p{Latin}]").arg_true()
    return found.scatter(mixed, _by_other_scripts(letters.gather(mixed), declared.gather(mixed), found.gather(mixed)))


def _by_other_scripts(letters: pl.Series, declared: pl.Series, otherwise: pl.Series) -> pl.Series:
    """As `_by_script`, where there are letters neither Han nor Latin; a tenth of Kana makes Japanese of Han."""
    kana = letters.str.replace_all(r"[^\p{Hiragana}\p{Katakana}]+", "").str.len_chars().alias("Kana")
    shares = {script: _length(letters, script) for script in SCRIPTS}
    frame = pl.DataFrame({"declared": declared, "otherwise": otherwise, "letters": letters.str.len_chars(), **shares})
    found = pl.when(kana * 10 > frame["letters"]).then(pl.lit("ja"))
    for script, languages in SCRIPTS.items():
        said = pl.when(pl.col("declared").is_in(sorted(languages))).then("declared").otherwise(pl.lit(TAGS[script]))
        found = found.when(pl.col(script) * 2 > pl.col("letters")).then(said)
    return frame.select(found.otherwise("otherwise").alias("language"))["language"]


def _by_words(texts: pl.Series, declared: str) -> pl.Series:
    """The language of texts in Latin script that all are declared as one language."""
    unknown = pl.Series([None] * len(texts), dtype=pl.String)
    if declared in FUNCTION_WORDS:
        expected = texts.str.contains(_two_of(declared))
        unknown = unknown.clone().scatter(expected.arg_true(), declared)
    open_ones = unknown.is_null()
    words = {language: texts.filter(open_ones).str.contains(_two_of(language)) for language in FUNCTION_WORDS}
    shown = pl.DataFrame(words)
    suspects = open_ones.arg_true().filter(shown.max_horizontal()) if len(shown) else pl.Series([], dtype=pl.UInt32)
    told = []
    for text, seen in zip(texts.gather(suspects), shown.filter(shown.max_horizontal()).to_dicts(), strict=True):
        language = _asked(text)
        told.append(language if language and seen[language] else None)
    return unknown.clone().scatter(suspects, pl.Series(told, dtype=pl.String)) if told else unknown


def identified_texts(texts: pl.Series, locales: pl.Series) -> pl.Series:
    """The language of each text as an ISO 639-1 code (or `und-` and a script), null where nothing sure can be said."""
    declared = locales.str.extract(r"^([A-Za-z]+)").str.to_lowercase()
    letters = texts.str.replace_all(r"\P{L}+", "")
    found = pl.Series([None] * len(texts), dtype=pl.String)
    wide = letters.str.contains(r"\P{Latin}")
    enough = letters.str.len_chars() >= LETTERS
    foreign = (wide & (letters.str.len_bytes() >= LETTERS)).arg_true()
    found.scatter(foreign, _by_script(letters.gather(foreign), declared.gather(foreign)))
    latin = enough & found.is_null()
    for language in declared.unique().drop_nulls().sort():
        rows = (latin & (declared == language)).arg_true()
        found.scatter(rows, _by_words(texts.gather(rows), language))
    return found


@daft.func.batch(return_dtype=DataType.string(), use_process=False)
def _identify(column: Series, locale: Series) -> pa.Array:
    texts, locales = (pl.Series(part.to_arrow(), dtype=pl.String) for part in (column, locale))
    return identified_texts(texts, locales).to_arrow(compat_level=pl.CompatLevel.oldest())


def identified(column: Expression, locale: Expression) -> Expression:
    """The language of each text as `identified_texts` says it; `locale` is the declared one (BCP 47), nulls stay null."""
    return _identify(column, locale)


def languages_of(parts: list[str]) -> dict[str, dict[str, int]]:
    """Locale -> identified language -> texts of the examples in these Parquet shards; what cannot be told is `und`."""
    texts = daft.read_parquet(parts).select(
        "locale", identified(col("target"), col("locale")).alias("language"), daft.lit(1).alias("one")
    )
    told = texts.groupby("locale", "language").agg(col("one").sum().alias("texts")).to_pydict()
    found: dict[str, dict[str, int]] = {}
    for locale, language, count in sorted(
        zip(told["locale"], [name or "und" for name in told["language"]], told["texts"], strict=True)
    ):
        found.setdefault(locale, {})[language] = count
    return found
