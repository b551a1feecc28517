"""Reports that were tampered with, or tell of something else than the candidate on the test set."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from ecom_llm.evaluate.evidence import DIGITS, Evidence, Metrics, Output, slice_value
from ecom_llm.evaluate.measure import merge
from ecom_llm.evaluate.slicing import by_slice, ratio_metrics
from ecom_llm.layout import Layout
from ecom_llm.promote.gate import Entrant
from proofs.gate_scoring import read_from, written_to

Lines = list[dict]
Edit = Callable[[dict, Lines], object]
"""Changes metrics.json and the lines of outputs.jsonl, both as JSON."""


def edited(edit: Edit, entrant: Entrant, folder: Path) -> Entrant:
    """The entrant after its two files were changed by hand."""
    layout = Layout(written_to(folder, entrant.evidence, entrant.outputs), folder)
    metrics = json.loads(layout.metrics.read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in layout.outputs.read_text(encoding="utf-8").splitlines()]
    edit(metrics, lines)
    layout.metrics.write_text(json.dumps(metrics), encoding="utf-8")
    layout.outputs.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return read_from(folder, entrant.version)


def told_anew(evidence: Evidence, outputs: Sequence[Output]) -> Evidence:
    """The evidence with the values that outputs give after somebody changed their statistics: whoever forges both."""
    sums: Metrics = {}
    for (skill, locale), here in by_slice(outputs).items():
        names = dict.fromkeys(name for one in here for name in one.statistics)
        sums.setdefault(skill, {})[locale] = {name: round(slice_value(name, here) or 0.0, DIGITS) for name in names}
    return evidence.model_copy(update={"metrics": merge([evidence.metrics, sums, ratio_metrics(outputs)])})


def higher_coverage(metrics: dict, lines: Lines) -> None:
    metrics["metrics"]["describe"]["en"]["attribute_coverage"] = 0.999


def all_better(metrics: dict, lines: Lines) -> None:
    """Every value of bits per byte a tenth lower."""
    for locales in metrics["metrics"].values():
        for values in locales.values():
            values["bits_per_byte"] = values.get("bits_per_byte", 1.0) * 0.9


def one_output(metrics: dict, lines: Lines) -> None:
    """One text becomes its reference."""
    line = next(one for one in lines if one["skill"] == "describe" and one["text"] != one["reference"])
    line["text"] = line["reference"]


def texts_gone(metrics: dict, lines: Lines) -> None:
    """The statistics stay, the reviews go."""
    for line in lines:
        line["text"] = "" if line["skill"] == "review" else line["text"]


def without_metric(metrics: dict, lines: Lines) -> None:
    del metrics["metrics"]["describe"]["zh"]["attribute_coverage"]


def without_metric_anywhere(metrics: dict, lines: Lines) -> None:
    """It is in the outputs neither."""
    del metrics["metrics"]["answer"]["en"]["keyword_coverage"]
    for line in lines:
        if (line["skill"], line["locale"]) == ("answer", "en"):
            del line["ratios"]["keyword_coverage"]


def without_slice(metrics: dict, lines: Lines) -> None:
    del metrics["metrics"]["advertise"]["zh"]


def not_a_number(metrics: dict, lines: Lines) -> None:
    metrics["metrics"]["describe"]["en"]["bleu"] = float("nan")


def infinite(metrics: dict, lines: Lines) -> None:
    metrics["metrics"]["review"]["en"]["chrf"] = float("inf")


def twice(metrics: dict, lines: Lines) -> None:
    """The easiest example counts twice."""
    lines.append(lines[0])


def fewer_named(metrics: dict, lines: Lines) -> None:
    metrics["examples"] -= 1


def invented_metric(metrics: dict, lines: Lines) -> None:
    metrics["metrics"]["describe"]["en"]["human_preference"] = 0.99


@dataclass(frozen=True)
class Edited:
    """An edit, and the check that has to refuse it."""

    name: str
    edit: Edit
    expected: tuple[str, str]


EDITS: Sequence[Edited] = (
    Edited("metrics.json: one value by hand", higher_coverage, ("sanity", "values")),
    Edited("metrics.json: all losses a tenth lower", all_better, ("sanity", "values")),
    Edited("metrics.json: a metric is invented", invented_metric, ("sanity", "values")),
    Edited("metrics.json: NaN", not_a_number, ("sanity", "values")),
    Edited("metrics.json: infinite", infinite, ("sanity", "values")),
    Edited("metrics.json: a metric is missing", without_metric, ("sanity", "missing")),
    Edited("a metric is missing in both files", without_metric_anywhere, ("sanity", "missing")),
    Edited("metrics.json: a slice is missing", without_slice, ("sanity", "missing")),
    Edited("metrics.json: another number of examples", fewer_named, ("sanity", "examples")),
    Edited("outputs.jsonl: one text edited", one_output, ("sanity", "statistics")),
    Edited("outputs.jsonl: texts gone, statistics kept", texts_gone, ("sanity", "statistics")),
    Edited("outputs.jsonl: an example twice", twice, ("sanity", "examples")),
)


def other_outputs(good: Entrant, champion: Entrant) -> Entrant:
    """The good model's metrics beside the champion's outputs."""
    return replace(good, outputs=champion.outputs)


def slice_gone(good: Entrant, champion: Entrant) -> Entrant:
    """Chinese adverts are in neither file, and all totals are right."""
    outputs = [one for one in good.outputs if (one.skill, one.locale) != ("advertise", "zh")]
    metrics = {skill: dict(locales) for skill, locales in good.evidence.metrics.items()}
    del metrics["advertise"]["zh"]
    evidence = good.evidence.model_copy(update={"metrics": metrics, "examples": len(outputs)})
    return replace(good, evidence=told_anew(evidence, outputs), outputs=outputs)


def counts_forged(good: Entrant, champion: Entrant) -> Entrant:
    """BLEU's counts of every text are those of its reference, in both files."""

    def perfect(one: Output) -> Output:
        if "bleu" not in one.statistics:
            return one
        counts = list(one.statistics["bleu"])
        counts[2:6] = counts[6:10]
        return one.model_copy(update={"statistics": {**one.statistics, "bleu": tuple(counts)}})

    outputs = [perfect(one) for one in good.outputs]
    return replace(good, evidence=told_anew(good.evidence, outputs), outputs=outputs)


def coverage_forged(bad: Entrant, champion: Entrant) -> Entrant:
    """Whatever a bad writer left out, every value counts as stated, and none as another product's."""

    def perfect(one: Output) -> Output:
        ratios = dict(one.ratios)
        for name, stated in (("attribute_coverage", 1.0), ("unsupported_rate", 0.0)):
            if name in ratios:
                ratios[name] = (stated * ratios[name][1], ratios[name][1])
        return one.model_copy(update={"ratios": ratios})

    outputs = [perfect(one) for one in bad.outputs]
    return replace(bad, evidence=told_anew(bad.evidence, outputs), outputs=outputs)


def bits_forged(good: Entrant, champion: Entrant) -> Entrant:
    """Half the bits, in both files."""
    outputs = [
        one.model_copy(
            update={
                "ratios": {
                    **one.ratios,
                    "bits_per_byte": (one.ratios["bits_per_byte"][0] / 2, one.ratios["bits_per_byte"][1]),
                }
            }
        )
        for one in good.outputs
    ]
    return replace(good, evidence=told_anew(good.evidence, outputs), outputs=outputs)


def hash_forged(other: Entrant, champion: Entrant) -> Entrant:
    """Outputs on other examples under the champion's test set."""
    return replace(other, evidence=other.evidence.model_copy(update={"test_set": champion.evidence.test_set}))


def tied(good: Entrant, champion: Entrant) -> Entrant:
    """The champion itself, registered again."""
    return replace(champion, version="2")


def lucky(good: Entrant, champion: Entrant) -> Entrant:
    """The champion with a little luck: its bits vary from example to example, and are 0.2 % better in the mean."""
    rng = Random(1)

    def luck(one: Output) -> Output:
        by = 0.998 + rng.gauss(0, 0.1)
        ratios = {
            name: (pair[0] * by, pair[1]) if name in ("bits_per_byte", "perplexity") else pair
            for name, pair in one.ratios.items()
        }
        return one.model_copy(update={"ratios": ratios})

    outputs = [luck(one) for one in champion.outputs]
    return replace(champion, version="2", evidence=told_anew(champion.evidence, outputs), outputs=outputs)


def of_another_kind(good: Entrant, champion: Entrant) -> Entrant:
    return replace(good, evidence=good.evidence.model_copy(update={"objective": "masked"}))


def counted_otherwise(good: Entrant, champion: Entrant) -> Entrant:
    """As by another release, which takes more for stated."""
    coverage = {locale: f"{way}|more" for locale, way in good.evidence.signatures["attribute_coverage"].items()}
    signatures = {**good.evidence.signatures, "attribute_coverage": coverage}
    return replace(good, evidence=good.evidence.model_copy(update={"signatures": signatures}))


def rolled_back(good: Entrant, champion: Entrant) -> Entrant:
    return replace(good, rolled_back=True)


@dataclass(frozen=True)
class Forged:
    """What becomes of the good candidate and the champion, and the check that has to refuse it."""

    name: str
    forge: Callable[[Entrant, Entrant], Entrant]
    expected: tuple[str, str]


FORGERIES: Sequence[Forged] = (
    Forged("outputs of another model", other_outputs, ("sanity", "values")),
    Forged("BLEU's counts forged in both files", counts_forged, ("sanity", "statistics")),
    Forged("bits forged in both files", bits_forged, ("sanity", "statistics")),
    Forged("a slice is missing in both files", slice_gone, ("comparable", "")),
    Forged("tied: the champion again", tied, ("superior", "bits_per_byte")),
    Forged("the champion with luck", lucky, ("superior", "bits_per_byte")),
    Forged("measured as another kind of model", of_another_kind, ("comparable", "")),
    Forged("a metric counted in another way", counted_otherwise, ("comparable", "")),
    Forged("rolled back before", rolled_back, ("rolled_back", "")),
)
