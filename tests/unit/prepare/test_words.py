"""Keywords: what is kept whole, stemmed, cut and left out, in every script; and that no string upsets them."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.prepare.words import folded, keywords, language_of, published, signature, stemmer, stop_words

REPO = Path(__file__).parents[3]
LOCALES = ["en", "en-GB", "zh", "zh-TW", "de", "tr", "hi", "ja", "th", "ar", "nb", "xx", ""]


def test_english_words_are_stemmed_and_stop_words_left_out():
    assert keywords("The kettles don't boil; it's a BOILING kettle.", "en") == ["kettl", "boil", "boil", "kettl"]
    assert keywords("What is it, and why should you?", "en") == []


def test_numbers_and_model_codes_stay_whole_and_unstemmed():
    assert keywords("WH-1000XM4, 802.11ac, 2,000 rpm at 2.5 V", "en") == [
        "wh-1000xm4",
        "802.11ac",
        "2,000",
        "rpm",
        "2.5",
        "v",
    ]
    assert keywords("GX900s", "en") == ["gx900s"]


def test_a_measure_is_its_number_and_its_unit():
    assert keywords("a 10-inch pan, a 2.5-quart well-made pot", "en") == [
        "10",
        "inch",
        "pan",
        "2.5",
        "quart",
        "well",
        "made",
        "pot",
    ]


def test_words_that_a_missing_space_joins_come_apart():
    assert keywords("It fits.Next size 5,red", "en") == ["fit", "next", "size", "5", "red"]


def test_chinese_is_cut_and_a_long_word_brings_its_parts():
    assert keywords("这款手机壳的材质是硅胶", "zh") == ["款", "手机", "壳", "材质", "硅胶"]
    assert keywords("红色连衣裙", "zh-CN") == ["红色", "连衣", "衣裙", "连衣裙"]


def test_chinese_stop_words_leave_what_customers_ask_about():
    assert keywords("请问，这个是我的吗？", "zh") == ["请问"]
    assert keywords("安全吗？方便吗？不能用吗？", "zh") == ["安全", "方便", "不能"]
    # of the published list about half are content words: the rule must go on telling them apart
    assert stop_words("zh") < published("zh")
    assert 350 < len(stop_words("zh")) < 500


def test_scripts_mix_in_one_text():
    assert keywords("USB-C接口，16GB内存，iPhone15的壳", "zh") == [
        "usb",
        "c",
        "接口",
        "16gb",
        "内存",
        "iphone15",
        "壳",
    ]
    assert keywords("the 硅胶 cases", "en") == ["硅胶", "case"]


def test_full_width_case_and_ligatures_make_no_difference():
    assert keywords("１６ＧＢ　ﬁne ÉTUI Étui", "fr") == keywords("16gb fine étui étui", "fr")
    assert keywords("İstanbul", "tr") == keywords("istanbul", "tr")


def test_other_languages_have_their_own_stems_and_lists():
    assert keywords("Die Häuser waren schön", "de-AT") == ["haus", "schon"]
    assert keywords("L’eau n’est pas chaude", "fr") == ["eau", "chaud"]
    assert keywords("båtene og husene", "nb") == keywords("båten og huset", "no") == ["båt", "hus"]
    # vowel signs are marks, and no borders
    assert keywords("किताबें", "hi") == ["किताब"]


def test_scripts_without_a_segmenter_are_cut_in_pairs():
    assert keywords("日本語のテスト", "ja") == ["日本", "本語", "のテ", "テス", "スト"]
    assert keywords("壳", "ja") == ["壳"]


def test_signs_and_emoji_are_no_words():
    assert keywords("❤️ !!! — … 👍🏽 _ - ،", "en") == []
    assert keywords("5️⃣ stars", "en") == ["5", "star"]


@pytest.mark.parametrize("locale", LOCALES)
def test_nothing_gives_nothing(locale):
    assert keywords("", locale) == keywords(" \n\t", locale) == []


@given(
    st.text(st.characters() | st.sampled_from("-.,_/'’ 0５a红手机壳のกक्ि\u0307\ufe0f\ud800İ½")),
    st.sampled_from(LOCALES),
)
def test_any_string_is_taken_and_gives_the_same_keywords_again(text, locale):
    found = keywords(text, locale)
    assert found == keywords(text, locale)
    assert all(word and not word.isspace() for word in found)
    if stemmer(language_of(locale)) is None:
        assert all(word in folded(text) for word in found)


def test_the_languages_named_are_those_there_are():
    assert stemmer("zh") is None and stemmer("é") is None and stemmer("en") is not None
    assert "the" in stop_words("en") and stop_words("xx") == frozenset()


def test_the_signature_names_what_decides():
    assert signature("zh-CN").startswith("keywords|seg:jieba 0.42") and "snowball" not in signature("zh")
    assert "stem:snowball en" in signature("en-GB") and "stop:bm25s en" in signature("en-GB")
    assert signature("xx") == "keywords"


def test_jieba_says_nothing_leaves_no_cache_and_loads_for_chinese_alone(tmp_path):
    program = (
        "import sys; from ecom_llm.prepare.words import keywords; keywords('kettles', 'en');"
        "assert 'jieba' not in sys.modules; print(keywords('手机壳', 'zh')); assert 'jieba' in sys.modules"
    )
    environment = {"PATH": "", "TMPDIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=REPO, env=environment, capture_output=True, check=False
    )
    assert told.returncode == 0, told.stderr.decode()
    assert told.stdout.decode().strip() == "['手机', '壳']" and told.stderr == b""
    assert list(tmp_path.iterdir()) == []
