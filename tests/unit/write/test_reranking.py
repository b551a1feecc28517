"""Ranking candidates: the facts first, then what the others agree with; and BLEU between two texts as sacrebleu has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from ecom_llm.records import Example
from ecom_llm.skills.slots import Slotting
from ecom_llm.write.candidates import Candidate, faults
from ecom_llm.write.reranking import agreement, consensus, f_score, grams, ranked

SLOTTING = Slotting(
    names=frozenset({"colour", "size", "size 2"}), mentions={"washable": ("washable", "wash"), "lined": ("lined",)}
)
WORDS = ["a", "b", "c", "d", "⟦x⟧", ","]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join)
long_texts = st.lists(st.sampled_from(WORDS), min_size=4, max_size=9).map(" ".join)


def asked(skill: str = "describe", **attributes: str) -> Example:
    return Example(
        id="1", skill=skill, locale="en", attributes=attributes, target="", product="1", group="1", source="t:1"
    )


def candidate(text: str, nats: float = 1.0, wrong: int = 0) -> Candidate:
    return Candidate(text="filled", written=text, faults=wrong, mean_log_probability=-nats)


@given(one=texts, other=texts)
def test_agreement_is_sacrebleus_smoothed_sentence_bleu(one, other):
    scorer = BLEU(smooth_method="add-k", smooth_value=1, tokenize="none", force=True)
    assert agreement(grams(one), grams(other)) == pytest.approx(
        scorer.corpus_score([one], [[other]]).score / 100, abs=1e-6
    )


@given(one=long_texts, other=long_texts, beta=st.sampled_from([0.5, 1.0, 2.0]))
def test_the_f_score_is_sacrebleus_chrf_of_words(one, other, beta):
    scorer = CHRF(char_order=0, word_order=4, beta=beta, eps_smoothing=True)
    assert f_score(grams(one), grams(other), beta) == pytest.approx(
        scorer.sentence_score(one, [other]).score / 100, abs=1e-6
    )


@pytest.mark.parametrize("beta", [0.0, 2.0])
def test_consensus_counts_repetitions_and_the_text_itself(beta):
    agreed = consensus(["a b c d", "a b c d", "x y z"], beta)
    assert agreed["a b c d"] == pytest.approx(2 / 3)
    assert agreed["x y z"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ⟦colour⟧ one in ⟦size⟧ , washable", 0),
        ("a ⟦colour⟧ one , washable", 1),
        ("a ⟦colour⟧ one in ⟦size⟧", 1),
        ("a ⟦colour⟧ one in ⟦size⟧ to wash , washable", 1),
        ("a lined ⟦colour⟧ one in ⟦size⟧ , washable", 1),
        ("x", 3),
    ],
)
def test_faults_are_missing_facts_and_wrong_mentions(text, expected):
    # `kind` has no slot that this model knows, and so no text owes it
    one = asked(colour="red", size="L", washable="no", kind="dress")
    assert faults(text, one, SLOTTING) == expected
    assert faults(text, asked("advertise", colour="red"), SLOTTING) == 0


def test_without_slots_facts_are_counted_word_for_word():
    one = asked(colour="red", washable="no")
    assert [faults(text, one, None) for text in ("a red one", "a blue one")] == [0, 1]


def test_what_keeps_to_the_facts_stands_before_what_others_agree_with():
    popular, true = candidate("a dress of one colour", wrong=1), candidate("in ⟦colour⟧")
    assert ranked([popular, popular, true], 0, 0) == [true, popular, popular]


def test_the_likelihood_decides_where_its_weight_says_so():
    near, far = candidate("⟦colour⟧ a b c", 2.0), candidate("⟦colour⟧ a b d", 0.1)
    voters = [near, near, far]
    assert ranked(voters, 0.0, 0.0)[0] == near
    assert ranked(voters, 5.0, 0.0)[0] == far
    assert ranked(voters, 0.0, 0.0) == ranked(voters[::-1], 0.0, 0.0)


@pytest.mark.parametrize(
    ("beta", "best"), [(0.0, "⟦colour⟧ a b c"), (0.5, "⟦colour⟧ a b c"), (3.0, "⟦colour⟧ a b c d e f g")]
)
def test_above_one_beta_lets_the_longer_text_win(beta, best):
    """The short text is what most wrote; the longest holds all that anybody wrote."""
    voters = [
        candidate(text) for text in ("⟦colour⟧ a b c", "⟦colour⟧ a b c", "⟦colour⟧ a b c d e", "⟦colour⟧ a b c d e f g")
    ]
    assert ranked(voters, 0.0, beta)[0].written == best


def test_chinese_is_compared_by_characters():
    assert grams("红色⟦尺码⟧")[0] == {("红",): 1, ("色",): 1, ("⟦尺码⟧",): 1}


def test_the_f_score_asks_a_short_text_for_no_longer_n_grams():
    assert f_score(grams("a b"), grams("a b"), 2.0) == 1.0
    assert f_score(grams("a"), grams("a b c d"), 2.0) == pytest.approx(5 / 17)
    assert f_score(grams(""), grams("a b"), 2.0) == 0.0
