"""No bad model ships: `python -m proofs.gate FOLDER [N] [CANDIDATES]`.

Trains a model on the built-in catalogue in FOLDER (a second call finds it there), whose champion is the same with noise, makes bad
candidates of the better one, and lets the gate judge each of them as it judges any candidate: texts scored by evaluation's own functions,
damaged weights loaded and evaluated, signed folders verified. Each must be refused, and for its own reason: the check that is
named in the table must be among those that refuse it. Beside it stands what three other gates let through. The better model
itself must be approved. N limits how many are tried (0: all), evenly over the list. CANDIDATES is a folder of model folders from elsewhere,
which are evaluated and judged against the champion: those whose name begins with `good` should be approved, all others refused.
"""

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecom_llm.evaluate.evidence import Evidence
from ecom_llm.evaluate.written import Written
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.gate import Entrant, decide
from ecom_llm.records import UserError
from proofs.gate_coin import pair, sides_of
from proofs.gate_files import EDITS, FORGERIES, coverage_forged, edited, hash_forged
from proofs.gate_rivals import GATES, let_through
from proofs.gate_scoring import likelihood_of, read_from, scored, written_to
from proofs.gate_shop import Shop, ready
from proofs.gate_texts import WRITERS, Texts, poisoned
from proofs.gate_weights import DAMAGES, TAMPERED, damaged, measured, on_train, other_sample, verified

SEED = 1


@dataclass(frozen=True)
class Candidate:
    """One candidate, and what has to refuse it: (rule, metric) of a check, or the step that fails with words of its message."""

    name: str
    make: Callable[[], Entrant]
    expected: tuple[str, str]


@dataclass(frozen=True)
class Judged:
    """What became of one candidate."""

    name: str
    expected: tuple[str, str]
    refusals: Sequence[tuple[str, str]]
    """(rule, metric) of every check that refused it, or (step, message) where it never got to the gate; empty: approved."""
    evidence: Evidence | None

    @property
    def caught(self) -> bool:
        """Whether it was refused for its own reason."""
        step, words = self.expected
        return any(
            rule == step and (metric == words or (rule in STEPS and words in metric)) for rule, metric in self.refusals
        )


STEPS = ("evaluate", "verify")
"""What comes before the gate: their messages are compared by words."""


def by_texts(shop: Shop, texts: Texts, folder: Path) -> Entrant:
    """A candidate of the good model's likelihoods and recommendations, and of these texts."""
    good = {one.id: one for one in shop.good.outputs}
    work = {id: Written(text, likelihood=likelihood_of(good[id])) for id, text in texts.items()}
    evidence, outputs = scored(shop.bench, work, [one for one in shop.good.outputs if one.id not in texts])
    groups = {one.id: one.subsets for one in shop.good.outputs}
    outputs = [one.model_copy(update={"subsets": groups[one.id]}) for one in outputs]
    evidence = evidence.model_copy(update={"tokenizer": shop.good.evidence.tokenizer})
    return read_from(written_to(folder, evidence, outputs), "2")


def popular(shop: Shop, folder: Path) -> Entrant:
    """Everybody is recommended what sells best."""
    likely = {one.id: likelihood_of(one) for one in shop.good.outputs if one.skill == "recommend"}
    ranked = shop.bench.others["popularity"]
    work = {id: Written(ranked[id].text, ranking=ranked[id].ranking, likelihood=one) for id, one in likely.items()}
    evidence, outputs = scored(shop.bench, work, [one for one in shop.good.outputs if one.id not in work])
    kept = {skill: values for skill, values in shop.good.evidence.metrics.items() if skill not in ("recommend", "all")}
    evidence = shop.good.evidence.model_copy(update={"metrics": {**kept, **totals(evidence)}})
    return read_from(written_to(folder, evidence, outputs), "2")


def totals(evidence: Evidence) -> dict:
    return {skill: values for skill, values in evidence.metrics.items() if skill in ("recommend", "all")}


def candidates(shop: Shop) -> Iterator[Candidate]:
    """Every bad candidate, made when it is its turn."""
    made = shop.folder / "candidates"
    for number, one in enumerate(WRITERS):
        yield Candidate(
            one.name,
            lambda one=one, number=number: by_texts(shop, one.write(shop.writing), made / f"texts-{number}"),
            one.expected,
        )
    yield Candidate("recommends what sells best", lambda: popular(shop, made / "popular"), ("regression", "hit@10"))
    for number, one in enumerate(EDITS):
        yield Candidate(
            one.name, lambda one=one, number=number: edited(one.edit, shop.good, made / f"files-{number}"), one.expected
        )
    for one in FORGERIES:
        yield Candidate(one.name, lambda one=one: one.forge(shop.good, shop.champion), one.expected)
    yield Candidate(
        "values swapped, statistics forged in both files",
        lambda: coverage_forged(by_texts(shop, poisoned(shop.writing), made / "forged"), shop.champion),
        ("sanity", "reading"),
    )
    yield Candidate(
        "no better than the champion: a coin's luck",
        lambda: pair(sides_of(shop), np.random.default_rng(SEED))[0],
        ("superior", "bits_per_byte"),
    )
    yield Candidate("evaluated on other test examples", lambda: other_sample(made / "sample", shop), ("comparable", ""))
    yield Candidate("evaluated on train", lambda: on_train(made / "train", shop), ("comparable", ""))
    yield Candidate(
        "evaluated on train, the test set's hash forged",
        lambda: hash_forged(on_train(made / "train", shop), shop.champion),
        ("sanity", "examples"),
    )
    for number, one in enumerate(DAMAGES):
        yield Candidate(
            one.name, lambda one=one, number=number: damaged(one, made / f"weights-{number}", shop), one.expected
        )
    for number, one in enumerate(TAMPERED):
        yield Candidate(
            one.name,
            lambda one=one, number=number: verified(one, made / f"signed-{number}", shop) or shop.good,
            one.expected,
        )


def decided(shop: Shop, entrant: Entrant) -> GateDecision:
    return decide(entrant, shop.champion, shop.params.promote, SEED)


def judged(shop: Shop, one: Candidate) -> Judged:
    """Make a candidate and let the gate judge it, as promotion does: what cannot be loaded or verified never gets there."""
    try:
        entrant = one.make()
    except UserError as error:
        step = "verify" if one.expected[0] == "verify" else "evaluate"
        # a signed folder was swapped after its metrics were measured: whoever reads those sees the good model's
        return Judged(one.name, one.expected, [(step, str(error))], shop.good.evidence if step == "verify" else None)
    checks = decided(shop, entrant).checks
    refusals = [(check.rule, check.metric) for check in checks if not check.passed]
    return Judged(one.name, one.expected, refusals, entrant.evidence)


def row(number: int, one: Judged, others: dict[str, bool]) -> str:
    """A line of the table."""
    step, words = one.expected
    verdict = "refused" if one.caught else "APPROVED" if not one.refusals else "refused, BUT NOT SO"
    reasons = ", ".join(
        dict.fromkeys(" ".join((rule, "" if rule in STEPS else metric)).strip() for rule, metric in one.refusals)
    )
    passed = "".join(f"{'passes' if others[name] else '-':>8}" for name in GATES)
    return f"{number:3} {one.name:<48} {verdict:<9} {f'{step} {words}'.strip():<34}{passed}   all: {reasons}"


def spread(found: Sequence[Candidate], count: int) -> list[Candidate]:
    """So many of them, evenly over the list; 0 is all."""
    if not count or count >= len(found):
        return list(found)
    return [found[at * len(found) // count] for at in range(count)]


def control(shop: Shop) -> bool:
    """Whether the good model is approved, and why not."""
    decision = decided(shop, shop.good)
    print("\n".join(["  control: the good model", *(f"    {line}" for line in decision.lines())]))
    return decision.approved


def prove(shop: Shop, count: int) -> int:
    """Judge the candidates and print the table; return the exit code."""
    failed = int(not control(shop))
    shutil.rmtree(shop.folder / "candidates", ignore_errors=True)
    chosen = spread(list(candidates(shop)), count)
    passed = dict.fromkeys(GATES, 0)
    print(f"    {'candidate':<48} {'gate':<9} {'by (expected)':<34}{''.join(f'{name:>8}' for name in GATES)}")
    for number, candidate in enumerate(chosen, 1):
        found = judged(shop, candidate)
        others = dict(let_through(found.evidence, shop.champion.evidence, shop.params.promote))
        passed = {name: passed[name] + others[name] for name in GATES}
        failed += not found.caught
        print(row(number, found, others), flush=True)
    told = ", ".join(f"{name} {passed[name]}" for name in GATES)
    print(f"  of {len(chosen)} bad candidates this gate lets through {failed}; others: {told}")
    print(f"PROOF gate tried={len(chosen) + 1} failed={failed}")
    return int(failed > 0)


def evaluated(model: Path, shop: Shop) -> Entrant:
    """A model folder from elsewhere, measured; whatever a library says of it, it is refused.

    Raises:
        UserError: it cannot be evaluated.
    """
    try:
        return measured(model, shop.folder / "elsewhere" / model.name, shop, "2", shop.params)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{model}: cannot be evaluated: {type(error).__name__}: {error}") from error


def from_elsewhere(shop: Shop, folder: Path) -> int:
    """Evaluate and judge model folders; return the exit code."""
    models = sorted(path for path in folder.iterdir() if path.is_dir())
    failed = 0
    for model in models:
        wanted = model.name.startswith("good")
        candidate = Candidate(model.name, lambda model=model: evaluated(model, shop), ("", ""))
        found = judged(shop, candidate)
        approved = not found.refusals
        failed += approved != wanted
        told = "; ".join(dict.fromkeys(f"{rule} {metric}".strip() for rule, metric in found.refusals))
        print(f"  {model.name}: {'approved' if approved else f'refused: {told}'}", flush=True)
    print(f"PROOF gate tried={len(models)} failed={failed}")
    return int(failed > 0 or not models)


def main(folder: Path, count: int, elsewhere: Path | None) -> int:
    """Run the proof; return the exit code."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    logging.disable(logging.WARNING)
    shop = ready(folder.resolve())
    return prove(shop, count) if elsewhere is None else from_elsewhere(shop, elsewhere)


if __name__ == "__main__":
    given = sys.argv[1:]
    place, number, other = [*given, *["", "0", ""][len(given) :]]
    sys.exit(main(Path(place), int(number), Path(other) if other else None))
