"""Questions answered from earlier answers: whose evidence is used, what is counted, and what stands beside it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ecom_llm.evaluate.answering import Answering, earlier_answers
from ecom_llm.evaluate.baselines import found_answers
from ecom_llm.evaluate.constant import best_constant
from ecom_llm.evaluate.evidence import read_evidence
from ecom_llm.evaluate.group import Group
from ecom_llm.evaluate.matching import Matcher
from ecom_llm.evaluate.scores import METRICS
from ecom_llm.evaluate.stage import run
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import Example, Item
from ecom_llm.shards import write_records
from ecom_llm.train.answering import learn
from ecom_llm.train.answering.answerer import Answered, Answerer
from ecom_llm.train.answering.evidence import Told, known_of
from ecom_llm.train.answering.files import FOLDER, save
from ecom_llm.write.decoding import decoding_of


def question(product: str, number: int, text: str, answer: str, **facts: str) -> Example:
    return Example(
        id=f"answer:en:{product}:{number}",
        skill="answer",
        locale="en",
        attributes={**facts, "question": text},
        target=answer,
        product=product,
        group=product,
        source=f"asked.csv:{number + 1}",
    )


PARTS = ("lid", "cord", "switch", "handle", "filter", "timer")


def shop(numbers: range) -> list[Example]:
    return [
        question(
            f"{kind}{n}", k, f"Does this {kind} have a {part}?", f"Yes. The {part} of the {kind} is {n + k} inches."
        )
        for n in numbers
        for kind in ("lamp", "kettle")
        for k, part in enumerate(PARTS)
    ]


@dataclass(frozen=True)
class Echo:
    """A reader that says whose evidence it got."""

    def answer(self, question: str, told: tuple[Told, ...], min_support: float) -> Answered:
        return Answered(" ".join(one.product for one in told) or "I do not know", "en", told[0] if told else None)


def test_each_question_is_asked_of_its_own_products_evidence_and_of_anothers(params: Params) -> None:
    examples = shop(range(3))
    listed = question("pan", 0, "What colour?", "red", colour="red")
    alone = question("pot", 0, "How big?", "Big.")
    everything = [*examples, listed, question("pan", 1, "Which?", "This."), alone]
    earlier = earlier_answers(everything, known_of(everything))
    assert set(earlier) == {one.id for one in examples} | {"answer:en:pan:1"}
    answering = Answering(
        Answerer({"en": Echo()}, known_of([])), earlier, known_of(examples), decoding_of(params.evaluate)
    )
    assert answering.covers(alone) and not answering.covers(listed)
    for example in examples:
        found = answering.write(example)
        assert found.text.split() == [example.product] * 5
        others = found.elsewhere.split()
        assert len(others) == 5 and len(set(others)) == 1 and others[0] != example.product
    assert answering.write(alone) == Written("I do not know")
    model = answering.decoding.model_copy(update={"answer_by": "model"})
    assert not Answering(answering.answerer, earlier, known_of(examples), model).covers(alone)


def test_abstentions_are_counted_by_whose_evidence_was_at_hand() -> None:
    examples = [question("p", n, "So?", "Yes.") for n in range(4)]
    written = [
        Written("Yes.", elsewhere="I do not know."),
        Written("I do not know.", elsewhere="It is red."),
        Written("I don't know", elsewhere="There is no information."),
        Written("I do not know.", elsewhere=None),
    ]
    earlier = {one.id: ("It is.",) for one in examples[:3]}
    group = Group("answer", "en", examples, written, Matcher(frozenset()), earlier=earlier)
    recall, false = METRICS["abstention_recall"](group), METRICS["false_abstention"](group)
    assert recall["abstention_recall"] == pytest.approx(2 / 3) and recall["ratios"][3] == (0.0, 0.0)
    assert false["false_abstention"] == pytest.approx(2 / 3) and false["ratios"][3] == (0.0, 0.0)
    nobody = Group("answer", "en", examples, [Written("Yes.")] * 4, Matcher(frozenset()))
    assert "not_applicable" in METRICS["abstention_recall"](nobody) and "not_applicable" in METRICS["false_abstention"](
        nobody
    )


def test_earlier_answers_are_the_evidence_where_there_is_no_listing() -> None:
    examples = [question("p", 0, "So?", "-"), question("p", 1, "So?", "-", colour="red")]
    written = [Written("a blue kettle"), Written("a blue kettle")]
    earlier = {one.id: ("the kettle",) for one in examples}
    group = Group("answer", "en", examples, written, Matcher(frozenset()), earlier=earlier)
    assert METRICS["groundedness"](group)["ratios"] == [(1.0, 2.0), (0.0, 2.0)]


def test_search_looks_among_the_earlier_answers_about_the_product_first() -> None:
    examples = [*shop(range(1)), question("pot", 0, "Does this lamp have a cord?", "-")]
    training = [question("lamp9", 0, "Does this lamp have a cord?", "Of course.")]
    found = found_answers(examples, training, earlier_answers(examples, known_of(examples)))
    assert found[-1] == "Of course."
    assert all(one.product[:4] in text and text != one.target for one, text in zip(examples[:-1], found, strict=False))


def test_the_best_constant_has_what_most_answers_have() -> None:
    said = ["yes it is the best one", "no it is not the one", "it is the red one", "we had it and it is the one for us"]
    assert best_constant([question("p", n, "So?", text) for n, text in enumerate(said * 3)]) in {
        "it is the red one",
        "yes it is the best one",
    }


def test_the_stage_measures_answers_from_evidence(
    model_folder: Path, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_QUESTIONS", "MOST_CHOICES"):
        monkeypatch.setattr(learn, name, 50)
    layout = Layout(tmp_path, tmp_path / "state")
    for split, numbers in {"train": range(14), "validation": range(14, 15), "test": range(20, 26)}.items():
        write_records(layout.split(split), Example, shop(numbers))
    write_records(layout.items, Item, [])
    layout.protocols.write_text("[]", encoding="utf-8")
    layout.model.parent.mkdir(parents=True)
    layout.model.mkdir()
    for path in model_folder.iterdir():
        (layout.model / path.name).symlink_to(path)
    save(learn.learned_from(layout.prepared, 1), layout.model / FOLDER)
    small = {"max_examples": 40, "bootstrap_samples": 100}
    run(params.model_copy(update={"evaluate": params.evaluate.model_copy(update=small)}), layout)
    evidence = read_evidence(layout.metrics)
    ours = evidence.metrics["answer"]["en"]
    assert ours["groundedness"] == 1 and ours["false_abstention"] < 0.5 < ours["abstention_recall"] + 0.5
    assert {"rougeL", "groundedness", "abstention_recall", "false_abstention"} <= set(
        evidence.intervals["answer"]["en"]
    )
    assert {"constant", "bm25"} <= set(evidence.baselines)
    assert evidence.baselines["bm25"]["answer"]["en"]["false_abstention"] == 0
    assert "perplexity" in ours
