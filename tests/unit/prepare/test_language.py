"""Language identification: sure where it can be, silent where it cannot."""

import csv
import json
from pathlib import Path

import daft
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.collect.catalogue import generate
from ecom_llm.prepare.language import LETTERS, identified, identified_texts

DATA = Path(__file__).parents[3].parent / "shared" / "data"
SENTENCES = {
    "en": "The jacket is warm and it fits very well, but the zip broke after a week.",
    "de": "Die Jacke ist sehr warm und sitzt gut, aber der Reißverschluss ist nach einer Woche kaputt.",
    "fr": "La veste est très chaude et elle va bien, mais la fermeture est cassée après une semaine.",
    "es": "La chaqueta es muy cálida y sienta bien, pero la cremallera se rompió con el uso en una semana.",
    "it": "La giacca è molto calda e veste bene, ma la cerniera non è durata più di una settimana.",
    "pt": "A jaqueta é muito quente e veste bem, mas o zíper não durou mais que uma semana.",
    "nl": "De jas is heel warm en het zit goed, maar de rits van deze jas is na een week kapot gegaan.",
    "sv": "Jackan är mycket varm och sitter bra, men dragkedjan gick sönder efter en vecka och det är inte bra.",
    "pl": "Kurtka jest bardzo ciepła i dobrze leży, ale zamek nie jest dobry i zepsuł się po tygodniu.",
    "tr": "Bu ceket çok sıcak ve güzel bir ürün ama fermuar bir hafta sonra bozuldu, daha iyi değil.",
    "zh": "这件外套很暖和，穿着合身，可是拉链一周就坏了，有点失望。",
    "ja": "このジャケットはとても暖かくて、ぴったりですが、一週間でファスナーが壊れました。",
    "ko": "이 재킷은 따뜻하고 잘 맞지만 일주일 만에 지퍼가 고장 났습니다. 조금 아쉽네요.",
}
RUSSIAN = "Куртка тёплая и хорошо сидит, но молния сломалась через неделю."
ARABIC = "السترة دافئة ومناسبة جدا ولكن السحاب تعطل بعد أسبوع واحد فقط"


def said(texts, locale):
    """What is said of texts that are all declared as one locale."""
    return identified_texts(
        pl.Series(texts, dtype=pl.String), pl.Series([locale] * len(texts), dtype=pl.String)
    ).to_list()


@pytest.mark.parametrize("declared", ["en", "zh", "de-AT", "fi", None])
def test_a_sentence_is_known_whatever_is_declared(declared):
    wanted = list(SENTENCES) if declared else [None] * 10 + ["zh", "ja", "ko"]
    assert said(list(SENTENCES.values()), declared) == wanted


def test_a_script_of_many_languages_confirms_or_contradicts():
    assert said([RUSSIAN, ARABIC], "uk") == ["uk", "und-Arab"]
    assert said([RUSSIAN, ARABIC], "fa-IR") == ["und-Cyrl", "fa"]


@pytest.mark.parametrize(
    "text",
    [
        "The coat is warm.",
        "iPhone 15 Pro",
        "",
        "1234 5678 9012 3456 7890 1234",
        "好的，亲",
        "Norvane sporty burgundy backpack",
    ],
)
def test_little_says_nothing(text):
    assert said([text], "de") == [None]


def test_brands_do_not_make_chinese_english():
    assert said(["这台 ThinkPad X1 Carbon 配 Intel Core i7 处理器，性能很强，办公轻松。"], "zh") == ["zh"]


def test_a_column_keeps_its_order_and_its_nulls():
    texts = [*SENTENCES.values(), None, "short"]
    frame = daft.from_pydict({"text": texts, "locale": ["en", "zh", None] * 5})
    found = frame.select(identified(daft.col("text"), daft.col("locale"))).to_pydict()["text"]
    assert found[10:] == ["zh", "ja", "ko", None, None]
    assert found[:2] == ["en", "de"] and len(found) == 15


@given(st.lists(st.text(max_size=LETTERS // 3), max_size=8), st.sampled_from(["en", "zh", "ru"]))
@settings(max_examples=50, deadline=None)
def test_no_text_breaks_it_and_short_ones_stay_unknown(texts, locale):
    assert all(
        language is None
        for language, text in zip(said(texts, locale), texts, strict=True)
        if len(text.encode()) < LETTERS
    )


def test_the_catalogue_is_never_in_another_language_than_it_says():
    tables = generate(seed=1, products=40, shoppers=20)
    texts = pl.DataFrame([(row.text, row.locale) for row in (*tables.reviews, *tables.adverts)], orient="row")
    found = identified_texts(texts["column_0"], texts["column_1"])
    assert (found == texts["column_1"]).mean() > 0.98
    assert not (found != texts["column_1"]).any()


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared example data stands in ../shared/data and is absent")
def test_real_shop_texts_are_not_called_foreign():
    with next((DATA / "womens-clothing-reviews").glob("*.csv")).open(encoding="utf-8", newline="") as handle:
        english = [row["Review Text"] for row in csv.DictReader(handle) if row["Review Text"]][:4000]
    published = next(path for path in (DATA / "advertisegen").iterdir() if "json" in path.name)
    lines = published.read_text(encoding="gb18030").splitlines()[:2000]
    for locale, texts in (("en", english), ("zh", [json.loads(line)["summary"] for line in lines])):
        found = said(texts, locale)
        assert set(found) <= {locale, None}
        assert found.count(locale) > 0.97 * len(texts)
