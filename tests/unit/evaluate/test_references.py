"""Our numbers beside those of the libraries that others publish with: sacrebleu, rouge-score, NLTK and rouge-chinese."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from ecom_llm.evaluate.metrics import Bleu, ChatGLM, ChrF, Rouge, SelfBleu
from ecom_llm.evaluate.metrics.advertisegen import LONGEST, cut, sentence_bleu
from ecom_llm.evaluate.ngrams import longest_common_subsequence
from ecom_llm.evaluate.totals import bleu, chrf
from ecom_llm.prepare.words import segmenter

WORDS = "the a red blue cotton dress shirt fits well, looks good. Soft fabric! light for summer days it's 10-inch"
CHINESE = "红色蓝色连衣裙衬衫很适合夏天穿，宽松版型显瘦。纯棉面料柔软透气！"


def english(seed: int, size: int, longest: int = 14) -> list[str]:
    drawn = random.Random(seed)
    return [" ".join(drawn.choices(WORDS.split(), k=drawn.randint(1, longest))) for _ in range(size)]


def chinese(seed: int, size: int) -> list[str]:
    drawn = random.Random(seed)
    return ["".join(drawn.choices(CHINESE, k=drawn.randint(1, 90))) for _ in range(size)]


CORPORA = {"en": (english(1, 40), english(2, 40)), "zh": (chinese(1, 40), chinese(2, 40))}


@pytest.mark.parametrize(("locale", "tokenizer"), [("en", "13a"), ("zh", "zh")])
def test_bleu_and_chrf_are_sacrebleus(locale, tokenizer):
    texts, references = CORPORA[locale]
    ours = Bleu().compute(predictions=texts, references=references, locale=locale)
    expected = BLEU(tokenize=tokenizer)
    assert ours["bleu"] == pytest.approx(expected.corpus_score(texts, [references]).score, abs=1e-6)
    assert ours["signature"] == str(expected.get_signature())
    ours, scorer = ChrF().compute(predictions=texts, references=references), CHRF()
    assert ours["chrf"] == pytest.approx(scorer.corpus_score(texts, [references]).score, abs=1e-6)
    assert ours["signature"] == str(scorer.get_signature())


@pytest.mark.parametrize(
    ("locale", "tokenizer", "short", "enough"),
    [("en", "13a", ["red", "a red dress"], "a red dress."), ("zh", "zh", ["红", "红裙子"], "红裙子。")],
)
def test_bleu_is_not_applicable_where_no_reference_holds_a_4_gram(locale, tokenizer, short, enough):
    """sacrebleu says 0 of texts that are the references, and of longer ones what its smoothing makes of halves."""
    for texts, says in ((short, 0.0), ([enough, enough], pytest.approx(37.5, abs=9))):
        assert BLEU(tokenize=tokenizer, force=True).corpus_score(texts, [short]).score == says
        found = Bleu().compute(predictions=texts, references=short, locale=locale)
        assert "bleu" not in found
        assert found["not_applicable"] == "no reference has 4 tokens, so that there is no 4-gram to find"
        assert len(found["statistics"]) == 2, "a slice that holds these examples and others counts them"
    for references in ([*short, enough], [enough, enough, short[0]]):
        for texts in (references, ["", "", ""], [short[0], short[0], enough]):
            expected = BLEU(tokenize=tokenizer, force=True).corpus_score(texts, [references]).score
            found = Bleu().compute(predictions=texts, references=references, locale=locale)
            assert found["bleu"] == pytest.approx(expected, abs=1e-6) and "not_applicable" not in found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("ab c.", max_size=12), st.text("ab c.", min_size=1, max_size=12)), min_size=1, max_size=5
    )
)
def test_totals_give_sacrebleus_score_of_any_sample(pairs):
    texts, references = (list(side) for side in zip(*pairs, strict=True))
    for metric, value, scorer in ((Bleu, bleu, BLEU(force=True)), (ChrF, chrf, CHRF())):
        options = {"locale": "en"} if metric is Bleu else {}
        rows = metric().compute(predictions=texts, references=references, **options)["statistics"]
        assert len({len(row) for row in rows}) == 1
        expected = scorer.corpus_score(texts, [references]).score
        assert float(value(np.sum(rows, axis=0))) == pytest.approx(expected, abs=1e-6)


def test_totals_of_many_samples_at_once_are_those_of_each():
    texts, references = CORPORA["en"]
    drawn = np.random.default_rng(3).integers(0, len(texts), size=(20, len(texts)))
    rows = np.array(Bleu().compute(predictions=texts, references=references, locale="en")["statistics"])
    found = bleu(rows[drawn].sum(axis=1))
    assert found.shape == (20,)
    for row, value in zip(drawn, found, strict=True):
        expected = BLEU(force=True).corpus_score([texts[n] for n in row], [[references[n] for n in row]]).score
        assert value == pytest.approx(expected, abs=1e-6)


def test_rouge_in_english_is_rouge_scores():
    from rouge_score.rouge_scorer import RougeScorer

    texts, references = english(5, 30), english(6, 30)
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for kind in ("rouge1", "rouge2", "rougeL"):
        found = Rouge().compute(predictions=texts, references=references, locale="en", rouge_type=kind)
        expected = [scorer.score(one, text)[kind].fmeasure for text, one in zip(texts, references, strict=True)]
        assert [value for value, _ in found["ratios"]] == pytest.approx(expected, abs=1e-9)


def test_rouge_is_never_0_for_chinese_by_its_tokenizer():
    found = Rouge().compute(predictions=["红色的连衣裙"], references=["蓝色的连衣裙"], locale="zh", rouge_type="rouge1")
    assert found["rouge1"] == pytest.approx(2 / 3) and "jieba" in found["signature"]
    wrong = Rouge().compute(predictions=["红色的连衣裙"], references=["蓝色的连衣裙"], locale="en", rouge_type="rouge1")
    assert "rouge1" not in wrong and "no reference holds a word" in wrong["not_applicable"]


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_the_common_subsequence_is_the_textbooks(one, other):
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if a == b else max(table[i - 1][j], table[i][j - 1])
    assert longest_common_subsequence(one, other) == table[-1][-1]


def test_sentence_bleu_is_nltks_with_smoothing_3():
    from nltk.translate.bleu_score import SmoothingFunction
    from nltk.translate.bleu_score import sentence_bleu as published

    smoothing = SmoothingFunction().method3
    texts, references = CORPORA["zh"]
    for text, reference in [*zip(texts, references, strict=True), ("红", "红色"), ("绿", "红色"), ("红色", "红")]:
        expected = published([list(reference)], list(text), smoothing_function=smoothing)
        assert sentence_bleu(text, reference) == pytest.approx(expected, abs=1e-9)


def test_chatglms_rouge_is_rouge_chineses():
    from rouge_chinese import Rouge as Published

    texts, references = CORPORA["zh"]
    cuts = [(cut(text), cut(one)) for text, one in zip(texts, references, strict=True)]
    expected = [Published().get_scores(" ".join(text), " ".join(one))[0] for text, one in cuts]
    for name, theirs in (
        ("chatglm_rouge_1", "rouge-1"),
        ("chatglm_rouge_2", "rouge-2"),
        ("chatglm_rouge_l", "rouge-l"),
    ):
        found = ChatGLM().compute(predictions=texts, references=references, name=name)
        assert [value / 100 for value, _ in found["ratios"]] == pytest.approx([one[theirs]["f"] for one in expected])


def test_both_sides_are_cut_at_64_words():
    long = "柔软透气的纯棉面料" * 40
    words = list(segmenter().cut(long))
    assert len(words) > LONGEST and list(cut(long)) == words[:LONGEST]
    found = ChatGLM().compute(predictions=[long], references=[long + "尾巴"], name="chatglm_bleu_4")
    assert found["chatglm_bleu_4"] == pytest.approx(100)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_self_bleu_is_sacrebleus_with_the_others_as_references(locale):
    texts = [*CORPORA[locale][0][:12], CORPORA[locale][0][3]]
    scorer = BLEU(tokenize="zh" if locale == "zh" else "13a", force=True, effective_order=True)
    others = [[one for place, one in enumerate(texts) if place != row] for row in range(len(texts))]
    expected = np.mean([scorer.sentence_score(text, rest).score for text, rest in zip(texts, others, strict=True)])
    assert SelfBleu().compute(predictions=texts, locale=locale)["self_bleu"] == pytest.approx(expected, abs=1e-6)
    assert "not_applicable" in SelfBleu().compute(predictions=texts[:1], locale=locale)
