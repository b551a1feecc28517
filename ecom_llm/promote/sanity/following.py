"""Whether the numbers follow from the outputs they claim to describe: whatever can be computed again is computed again."""

from collections.abc import Iterator
from math import isclose, isfinite

from ecom_llm.evaluate.evidence import DIGITS, LIKELIHOODS, Evidence, Metrics, Output, fingerprint
from ecom_llm.evaluate.slicing import by_slice
from ecom_llm.params import Sanity
from ecom_llm.promote.decision import Check
from ecom_llm.promote.match import Entrant
from ecom_llm.promote.sanity.recount import miscounted, misread
from ecom_llm.promote.sanity.values import values_of
from ecom_llm.skills import SKILLS

AGAIN = "evaluate this model again (`dvc repro evaluate`) and register what that writes"
UNKNOWN = ("rnnlg_",)
"""How the names of metrics begin that the outputs alone do not give: their references are the publisher's."""
TOLERANCE = 1e-9
"""Relative; beside it a value may be off by the last decimal that is kept."""

Place = tuple[str, str, str]
"""Skill, locale, metric."""


def flat(metrics: Metrics) -> dict[Place, float]:
    return {
        (skill, locale, metric): value
        for skill, locales in metrics.items()
        for locale, values in locales.items()
        for metric, value in values.items()
    }


def agrees(recorded: float, computed: float) -> bool:
    """Whether two values are one, but for the rounding to the decimals that are kept."""
    return isclose(recorded, computed, rel_tol=TOLERANCE, abs_tol=1.001 * 10**-DIGITS)


def shown(place: Place) -> str:
    skill, locale, metric = place
    return f"{skill}/{locale} {metric}"


def verdict(measure: str, wrong: list[str], good: str, bad: str) -> Check:
    """One line for all that was compared: how many are wrong, and the first."""
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    reason = f"{measure}: {bad}: {wrong[0]}{more}; {AGAIN}" if wrong else f"{measure}: {good}"
    return Check(
        rule="sanity",
        slice="all/all",
        metric=measure,
        found=float(len(wrong)),
        bound=0.0,
        passed=not wrong,
        reason=reason,
    )


def examples_check(candidate: Entrant) -> Check:
    """The test set that the evidence names is the one that the outputs are about, each example once."""
    evidence, outputs = candidate.evidence, candidate.outputs
    ids = [one.id for one in outputs]
    wrong = []
    if len(ids) != evidence.examples:
        wrong.append(f"{evidence.examples} examples are named, and outputs.jsonl holds {len(ids)}")
    if len(set(ids)) < len(ids):
        wrong.append(f"{next(one for one in ids if ids.count(one) > 1)} stands twice in outputs.jsonl")
    found = fingerprint((one.id, one.attributes, one.reference) for one in outputs)
    if outputs and found != evidence.test_set:
        wrong.append(f"test_set is {evidence.test_set[:8]}, that of the outputs {found[:8]}")
    for at, others in enumerate(candidate.trainings, 2):
        if {one.id: one.reference for one in others} != {one.id: one.reference for one in outputs}:
            wrong.append(f"the outputs of training {at} are about other examples")
    good = f"metrics.json and outputs.jsonl are about the same {len(ids)} examples"
    return verdict("examples", wrong, good, "metrics.json and outputs.jsonl are about different examples")


def values_check(candidate: Entrant, given: Metrics) -> Check:
    """Every value of every slice is what its outputs' statistics make."""
    recorded, computed = flat(candidate.evidence.metrics), flat(given)
    wrong = []
    for place, value in recorded.items():
        again = computed.get(place)
        if not isfinite(value):
            wrong.append(f"{shown(place)} is {value}")
        elif again is None and not place[2].startswith(UNKNOWN):
            wrong.append(f"{shown(place)} is {value:.6g} in metrics.json, and the outputs give none")
        elif again is not None and not agrees(value, again):
            wrong.append(f"{shown(place)} is {value:.6g} in metrics.json, and {again:.6g} by the outputs")
    good = f"all {len(recorded)} values of metrics.json follow from the outputs' statistics"
    return verdict("values", wrong, good, "metrics.json does not follow from outputs.jsonl")


def owed(evidence: Evidence, skill: str, ranked: bool) -> tuple[str, ...]:
    """The metrics that a skill's examples must have, or a reason for not having them."""
    masked = evidence.objective == "masked"
    known = SKILLS[skill].metrics if skill in SKILLS and (ranked or not masked) else ()
    likelihood = ("pseudo_perplexity", "pseudo_bits_per_byte") if masked else ("perplexity", "bits_per_byte")
    return (*known, *(name for name in LIKELIHOODS if name in likelihood))


def missing_check(candidate: Entrant, given: Metrics) -> Check:
    """No metric is missing: neither one that a skill is judged by, nor a slice that the outputs give."""
    evidence = candidate.evidence
    recorded = flat(evidence.metrics)
    wanted = dict.fromkeys(flat(given))
    for (skill, locale), outputs in by_slice(candidate.outputs).items():
        ranked = any("hit@10" in one.ratios for one in outputs)
        excused = evidence.not_applicable.get(skill, {}).get(locale, {})
        wanted |= dict.fromkeys((skill, locale, name) for name in owed(evidence, skill, ranked) if name not in excused)
    wrong = [shown(place) for place in wanted if place not in recorded]
    good = f"every metric of the {len(by_slice(candidate.outputs))} slices is there, or the reason why it has no value"
    return verdict("missing", wrong, good, "not in metrics.json, and no reason is given")


def slices_of_all(candidate: Entrant) -> list[list[Output]]:
    """The outputs of each slice, of the candidate and of its trainings by other seeds."""
    return [list(outputs) for training in candidate.all_trainings for outputs in by_slice(training).values()]


def statistics_check(candidate: Entrant) -> Check:
    """The statistics of each output are those of its text and its reference, in every training that is to count."""
    wrong = [one for outputs in slices_of_all(candidate) for one in miscounted(outputs)]
    count = sum(map(len, candidate.all_trainings))
    good = f"the statistics of {count} outputs, as far as their texts tell them, are those of their texts"
    return verdict("statistics", wrong, good, "outputs.jsonl holds other statistics than its texts have")


def reading_check(candidate: Entrant, rules: Sanity) -> Check:
    """The values that texts state, read again, are those that the statistics claim."""
    slices = [outputs for outputs in slices_of_all(candidate) if len(outputs) >= rules.min_examples]
    wrong = [one for outputs in slices for one in misread(outputs)]
    good = f"the texts of {len(slices)} slices, read again, state what is said of them"
    return verdict("reading", wrong, good, "the texts do not state what outputs.jsonl says of them")


def following(candidate: Entrant, rules: Sanity) -> Iterator[Check]:
    """Every check of whether the numbers follow."""
    given = values_of(candidate)
    yield examples_check(candidate)
    yield values_check(candidate, given)
    yield missing_check(candidate, given)
    yield statistics_check(candidate)
    yield reading_check(candidate, rules)
