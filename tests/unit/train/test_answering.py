"""The answerer: quotes that are quotes, nothing explained by itself, the same bytes again, and silence where nothing is known."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge

from ecom_llm.evaluate.metrics.grounding import abstains
from ecom_llm.evaluate.ngrams import longest_common_subsequence
from ecom_llm.records import Example, UserError
from ecom_llm.shards import write_records
from ecom_llm.train.answering import choice, learn, lessons
from ecom_llm.train.answering.answerer import WORDS, Answerer
from ecom_llm.train.answering.evidence import known_of
from ecom_llm.train.answering.files import FOLDER, NUMBERS, load, save
from ecom_llm.train.answering.fitting import fitted_probability, fitted_value
from ecom_llm.train.answering.neighbours import asks_yes_or_no
from ecom_llm.train.answering.overlap import Pool
from ecom_llm.train.answering.texts import passages, pieces, tokens

ASKED = {"en": "question", "zh": "问题"}
KINDS = {
    "en": ("kettle", "lamp", "drill", "freezer", "toaster", "heater"),
    "zh": ("水壶", "台灯", "电钻", "冰柜", "烤箱", "暖炉"),
}
PARTS = {
    "en": ("lid", "cord", "switch", "handle", "filter", "manual", "timer", "box"),
    "zh": ("盖子", "电线", "开关", "把手", "滤网", "说明书", "定时器", "箱子"),
}
SAID = {
    "en": ("Does the {kind} have a {part}?", "Yes, it does. The {part} of this {kind} is {number} inches."),
    "zh": ("这个{kind}有{part}吗？", "是的，有。{kind}的{part}长{number}厘米。"),
}


def asked(locale: str, product: str, number: int, question: str, answer: str, **facts: str) -> Example:
    return Example(
        id=f"answer:{locale}:{product}:{number}",
        skill="answer",
        locale=locale,
        attributes={**facts, ASKED[locale]: question},
        target=answer,
        product=product,
        group=product,
        source=f"questions.csv:{number + 1}",
    )


def shop(products: range, seed: int = 0) -> list[Example]:
    """Products of six kinds, each with five questions about its parts: who asks about kettles is not helped by lamps."""
    draw, found = random.Random(seed), []
    for place in products:
        locale = ("en", "zh")[place % 2]
        kind = KINDS[locale][place // 2 % 6]
        for number, part in enumerate(draw.sample(PARTS[locale], 5)):
            question, answer = (text.format(kind=kind, part=part, number=draw.randint(2, 90)) for text in SAID[locale])
            found.append(asked(locale, f"P{place}", number, question, answer))
    return found


@pytest.fixture(scope="module", autouse=True)
def few_questions() -> Iterator[None]:
    """Fewer than a shop would be learned from: enough for questions this plain."""
    with pytest.MonkeyPatch.context() as patch:
        for name, most in {"MOST_QUESTIONS": 200, "MOST_CHOICES": 50}.items():
            patch.setattr(learn, name, most)
        yield


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    for split, products in {"train": range(60), "validation": range(60, 64), "test": range(64, 88)}.items():
        write_records(folder / split, Example, shop(products, seed=products[0]))
    return folder


@pytest.fixture(scope="module")
def answerer(prepared: Path) -> Answerer:
    return learn.learned_from(prepared, seed=1)


@pytest.fixture(scope="module")
def tested() -> list[Example]:
    return shop(range(64, 88), seed=64)


WORDY = st.text("ab. ,!?;\n-'好的。，", max_size=60)


@given(WORDY)
def test_a_passage_is_a_stretch_of_its_answer(text: str) -> None:
    said = "".join(tokens(text))
    for passage in passages(text):
        assert "".join(tokens(passage)) in said
        assert len(tokens(passage)) <= 60
    assert "".join(token for piece in pieces(text) for token in tokens(piece)) == said


def test_long_sentences_are_quoted_by_clauses_and_what_nobody_knows_is_not_quoted() -> None:
    long = "It is a good one, and I have had mine for a year now without any trouble at all, so buy it if you like."
    assert "and I have had mine for a year now without any trouble at all" in passages(long)
    assert passages("Yes it fits. I don't know about the cord.") == ["Yes it fits."]
    assert passages("I am not really sure.") == passages("不太清楚。") == passages("页面没有提到。") == []
    assert passages("无法机洗，只能手洗。") == ["无法机洗，只能手洗。"] and passages("这个无法确定。") == []
    assert passages("The fan is silent.") == ["The fan is silent."]
    assert passages("有说明书。盒子里没有说明书。") == [
        "有说明书。",
        "有说明书。盒子里没有说明书。",
        "盒子里没有说明书。",
    ]
    assert len(tokens(passages("word " * 90)[0])) == 60


@given(
    st.lists(st.lists(st.sampled_from("abcdefg"), max_size=30), min_size=1, max_size=6),
    st.lists(st.sampled_from("abcdefgh")),
)
@settings(max_examples=50)
def test_the_pool_finds_the_longest_common_subsequence_of_each_text(texts: list[list[str]], passage: list[str]) -> None:
    found = Pool(tuple(" ".join(text) for text in texts)).common(passage)
    assert found.tolist() == [longest_common_subsequence(passage, text) for text in texts]


def test_an_answer_is_never_evidence_for_its_own_question(tested: list[Example]) -> None:
    known = known_of(tested)
    for example in tested:
        told = known.about(example)
        assert len(told) == 4 and {one.product for one in told} == {example.product}
        assert example.id not in {one.id for one in told}


def test_another_products_evidence_is_as_much_and_always_the_same(tested: list[Example]) -> None:
    short = asked("en", "P99", 0, "How?", "So.")
    known, again = known_of([*tested, short]), known_of([short, *reversed(tested)])
    drawn = Counter()
    for example in tested:
        told = known.elsewhere(example, 4)
        assert len(told) == 4 and {one.locale for one in told} == {example.locale}
        assert example.product not in {one.product for one in told} and told[0].product != "P99"
        assert told[0].product == again.elsewhere(example, 4)[0].product
        drawn[told[0].product] += 1
    assert len(drawn) > 12
    assert known.elsewhere(tested[0], 6) == known.elsewhere(tested[0], 0) == ()


def test_curves_without_bends_in_the_data_fit_as_scikit_learn_does() -> None:
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(400, 3))
    happened = (draw.random(400) < 1 / (1 + np.exp(-2 * rows[:, 0] + rows[:, 1]))).astype(float)
    curve = fitted_probability(rows, happened, (0, 1), 2.0)
    theirs = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(curve.terms(rows)[:, 1:], happened)
    assert np.allclose(curve.probability(rows), theirs.predict_proba(curve.terms(rows)[:, 1:])[:, 1], atol=1e-3)
    wanted = rows[:, 0] ** 2
    value = fitted_value(rows, wanted, (0,), 2.0)
    ridge = Ridge(alpha=2.0).fit(value.terms(rows)[:, 1:], wanted)
    assert np.allclose(value.value(rows), ridge.predict(value.terms(rows)[:, 1:]), atol=1e-3)


def test_it_answers_from_the_products_own_evidence_and_not_from_anothers(
    answerer: Answerer, tested: list[Example]
) -> None:
    known = known_of(tested)
    right = {"own": 0, "other": 0, "others": 0}
    for example in tested:
        question, own = example.attributes[ASKED[example.locale]], known.about(example)
        given_own = answerer.answer(question, example.locale, own, 0.5)
        right["own"] += bool(given_own.rests_on)
        if given_own.rests_on:
            assert given_own.rests_on in own
            assert set(tokens(given_own.text)) <= set(tokens(given_own.rests_on.answer))
        told = known.elsewhere(example, 4)
        if told[0].question[:18] != own[0].question[:18]:
            right["others"] += 1
            right["other"] += not answerer.answer(question, example.locale, told, 0.5).rests_on
    assert right["own"] > 0.9 * len(tested)
    assert right["other"] > 0.8 * right["others"] > 20


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_without_evidence_it_says_so_in_words_the_metric_knows(answerer: Answerer, locale: str) -> None:
    told = known_of(shop(range(64, 66))).answers
    for found in (
        answerer.answer("any", locale, (), 0.0),
        answerer.answer("", locale, next(iter(told.values())), 0.0),
        answerer.answer(SAID[locale][0], locale, next(iter(told.values())), 1.1),
    ):
        assert found.rests_on is None and found.told == found.text == WORDS[locale]["abstains"]
        assert abstains(found.text, locale)


def test_what_is_shown_names_the_question_it_rests_on(answerer: Answerer) -> None:
    told = known_of([asked("zh", "P1", 6, "有盖子吗？", "有的。")]).answers["P1", "zh"]
    assert (
        answerer.answer("有盖子吗？", "zh", told, 0.0).told == "有的。\n依据：对“有盖子吗？”的回答（questions.csv:7）"
    )


def test_the_passage_with_the_greatest_value_is_said(answerer: Answerer) -> None:
    told = known_of([asked("en", "P1", n, "Is it loud?", text) for n, text in enumerate(("It hums. So what", "No"))])
    told, reader = told.answers["P1", "en"], answerer.readers["en"]
    found = choice.candidates("Is it loud?", told, reader.lexicon)
    assert [one.passage for one in found] == ["It hums.", "It hums. So what", "So what", "No"]
    rows = choice.features("Is it loud?", found, reader.lexicon, reader.neighbours)
    lengths = fitted_value(rows, rows[:, 2], (), 1e-3)
    shortest = fitted_value(rows, -rows[:, 2], (), 1e-3)
    assert replace(reader, choice=lengths).answer("Is it loud?", told, 0.0).text == "It hums. So what"
    assert replace(reader, choice=shortest).answer("Is it loud?", told, 0.0).text == "No"
    many = [*told, *(asked_told for asked_told in known_of(shop(range(0, 60, 2))).answers["P0", "en"])]
    kept = {one.told.question for one in choice.candidates("Is it loud?", many, reader.lexicon)}
    assert (
        "Is it loud?" in kept
        and len({one.told.id for one in choice.candidates("Is it loud?", many, reader.lexicon)}) == 5
    )


@pytest.mark.parametrize(
    ("question", "closed"),
    [
        ("does this fit?", True),
        ("I have two. Can I stack them?", True),
        ("Is it red or blue?", False),
        ("How big is it?", False),
        ("这个水壶有盖子吗？", True),
        ("多大？", False),
    ],
)
def test_questions_for_yes_or_no_are_told_from_others(question: str, closed: bool) -> None:
    assert asks_yes_or_no(question) == closed


def test_no_question_is_explained_by_texts_of_its_own_product(prepared: Path) -> None:
    examples = [one for one in shop(range(60), seed=0) if one.locale == "en"]
    for fold in lessons.folds(examples, seed=1):
        inside = {one.product for one in fold.inside}
        compared = {told[0].product for told in fold.shelf.background.products}
        near = {one.product for one in fold.shelf.neighbours.told}
        assert inside and near and not inside & (compared | near)
        assert {one.product for one in fold.known.elsewhere(fold.inside[0], 4)} <= inside


def test_equal_data_gives_equal_bytes_and_what_is_read_back_answers_alike(
    answerer: Answerer, prepared: Path, tested: list[Example], tmp_path: Path
) -> None:
    for name, one in (("first", answerer), ("second", learn.learned_from(prepared, seed=1))):
        save(one, tmp_path / name / FOLDER)
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    assert len(files) == 4
    for path in files:
        assert (tmp_path / "first" / path).read_bytes() == (tmp_path / "second" / path).read_bytes(), path
    again = load(tmp_path / "first")
    assert again.known.answers.keys() == answerer.known.answers.keys()
    for example in tested[::7]:
        question, told = example.attributes[ASKED[example.locale]], answerer.known.about(example)
        assert again.answer(question, example.locale, told, 0.5) == answerer.answer(question, example.locale, told, 0.5)
    (tmp_path / "first" / FOLDER / NUMBERS).write_bytes(b"no numbers")
    with pytest.raises(UserError, match=r"answering: cannot be read as an answerer .* Train the model again"):
        load(tmp_path / "first")
    assert load(tmp_path) is None


def test_with_listings_or_few_questions_only_the_evidence_is_kept(tmp_path: Path) -> None:
    listed = [one.model_copy(update={"attributes": {"colour": "red", **one.attributes}}) for one in shop(range(60))]
    few = shop(range(60, 64))
    for split in ("train", "validation", "test"):
        write_records(tmp_path / split, Example, [*listed, *few] if split == "train" else [])
    found = learn.learned_from(tmp_path, seed=1)
    assert found.readers == {} and found.known.listings["P0", "en"] == {"colour": "red"}
    assert len(found.known.answers) == 64
    for split in ("train", "validation", "test"):
        write_records(tmp_path / "none" / split, Example, [])
    assert learn.learned_from(tmp_path / "none", seed=1) is None
