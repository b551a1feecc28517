"""The intervals of metrics and of differences, on populations whose truth is known: `python -m proofs.intervals [N] [SEED]`.

N times a test set of each size is drawn. Fails when the 95 % interval of a metric, or of the difference of two systems,
does not cover the truth in 93 to 97 %, or when trainings that differ by their seed alone are called different in more
than 5 %. `proofs.intervals_trainings` asks the second of real trainings.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binomtest

from ecom_llm.evaluate.bootstrap import Interval, Resampling, Table, clustered, intervals
from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.paired import Pair
from ecom_llm.evaluate.spread import UNBOUNDED
from ecom_llm.evaluate.trainings import mean_improvement
from proofs.intervals_population import METRICS, Sample, draw_shop, true_values, write_for

SIZES = (15, 30, 60, 120)
"""Products in a test set; about 2.5 examples each."""
BETTER = 0.3
"""Skill by which the second system of a pair is better: about 0.04 of attribute coverage."""
LOW, HIGH = 0.93, 0.97
SEED_SPREAD = 0.05
"""Standard deviation of the skill between trainings: of the order of one test set's own error."""
RESAMPLES = 1000


@dataclass
class Case:
    """One metric, of one system or of a pair, over all sizes of the test set."""

    metric: str
    kind: str
    tried: int = 0
    covered: int = 0
    naive: int = 0
    """How often an interval that takes examples for independent covered the truth."""
    by_size: dict[int, list[bool]] | None = None

    def note(self, size: int, found: Interval, naive: bool, truth: float) -> None:
        """Count one interval."""
        covered = bool(found.low <= truth <= found.high)
        self.tried += 1
        self.covered += covered
        self.naive += naive
        self.by_size = self.by_size or {}
        self.by_size.setdefault(size, []).append(covered)

    @property
    def share(self) -> float:
        """Share of the intervals that covered the truth."""
        return self.covered / self.tried

    @property
    def examples(self) -> float:
        """The same for examples taken as independent."""
        return self.naive / self.tried

    @property
    def failed(self) -> bool:
        """Whether the share lies outside 93 to 97 %."""
        return not LOW <= self.share <= HIGH

    def line(self) -> str:
        """The case as a row."""
        sizes = " ".join(f"{np.mean(found):7.1%}" for _, found in sorted((self.by_size or {}).items()))
        mark = "FAILED" if self.failed else ""
        return f"{self.kind:<11}{self.metric:<15}{self.share:7.1%} {sizes} {self.examples:9.1%} {mark}"


def naive_covers(table: Table, statistics: np.ndarray, truth: float) -> bool:
    """Whether Student's interval of examples that are taken as independent covers the truth."""
    alone = Table(statistics, table.value, table.paired)
    influence = alone.influence(statistics.sum(axis=0))
    error = float(np.sqrt(((influence - influence.mean()) ** 2).sum()))
    middle = float(table.value(statistics.sum(axis=0)))
    return abs(middle - truth) <= stdtrit(len(statistics) - 1, 0.975) * error


def tables_of(one: Sample, other: Sample) -> dict[tuple[str, str], tuple[Table, np.ndarray, float]]:
    """(kind, metric) -> its table, its statistics example by example, and the truth."""
    groups = one.clusters.astype(str)
    mine, theirs = true_values(0.0), true_values(BETTER)
    found = {}
    for metric, value in METRICS.items():
        ours, rival = one.statistics[metric], other.statistics[metric]
        found["value", metric] = (
            Table(clustered(ours, groups), value, bounded=metric not in UNBOUNDED),
            ours,
            mine[metric],
        )
        pair = Pair(clustered(rival, groups), clustered(ours, groups), value, 1.0)
        both = np.concatenate([rival, ours], axis=1)
        found["difference", metric] = (pair.table, both, theirs[metric] - mine[metric])
    return found


def coverage(count: int, seed: int) -> list[Case]:
    """Draw `count` test sets of each size and see which intervals hold the truth."""
    rng = np.random.default_rng(seed)
    cases = {(kind, metric): Case(metric, kind) for kind in ("value", "difference") for metric in METRICS}
    for repeat in range(count):
        for size in SIZES:
            shop = draw_shop(size, rng)
            tables = tables_of(write_for(shop, 0.0, rng), write_for(shop, BETTER, rng))
            names = {"/".join(key): key for key in tables}
            resampling = Resampling(confidence=0.95, samples=RESAMPLES, seed=seed * count + repeat)
            found = intervals({name: tables[key][0] for name, key in names.items()}, resampling)
            for name, key in names.items():
                table, statistics, truth = tables[key]
                cases[key].note(size, found[name], naive_covers(table, statistics, truth), truth)
    return list(cases.values())


def as_outputs(sample: Sample, metric: str) -> list[Output]:
    """A sample as the evidence has it."""
    empty = {"skill": "describe", "locale": "en", "attributes": {}, "reference": "", "text": "", "baselines": {}}
    field = "ratios" if sample.statistics[metric].shape[1] == 2 else "statistics"
    return [
        Output.model_validate(
            {**empty, "ratios": {}, "id": f"{n:05}", "group": str(group), field: {metric: tuple(row)}}
        )
        for n, (group, row) in enumerate(zip(sample.clusters, sample.statistics[metric].tolist(), strict=True))
    ]


@dataclass(frozen=True)
class Alike:
    """How often trainings that differ by their seed alone were called different."""

    sides: tuple[int, int]
    metric: str
    tried: int
    called: int

    @property
    def failed(self) -> bool:
        """Whether it is more than 5 %, and more than chance makes of 5 % in one of a hundred proofs."""
        return self.called > 0.05 * self.tried and (
            binomtest(self.called, self.tried, 0.05, alternative="greater").pvalue < 0.01
        )


def called_different(count: int, sides: tuple[int, int], metric: str, spread: float, rng: np.random.Generator) -> Alike:
    """Compare trainings of one recipe `count` times; one training a side is judged by the paired interval alone."""
    called = 0
    for repeat in range(count):
        shop = draw_shop(SIZES[repeat % len(SIZES)], rng)
        ours, theirs = ([write_for(shop, spread * float(rng.normal()), rng) for _ in range(size)] for size in sides)
        if sides == (1, 1):
            found = single_interval(ours[0], theirs[0], metric, repeat)
        else:
            outputs = [[as_outputs(one, metric) for one in side] for side in (ours, theirs)]
            found = mean_improvement(metric, *outputs, greater_is_better=True, confidence=0.95)
        called += found.low > 0 or found.high < 0
    return Alike(sides, metric, count, called)


def single_interval(one: Sample, other: Sample, metric: str, seed: int) -> Interval:
    """The paired interval of two single trainings."""
    groups = one.clusters.astype(str)
    sides = (clustered(side.statistics[metric], groups) for side in (one, other))
    table = Pair(*sides, METRICS[metric], 1.0).table
    return intervals({metric: table}, Resampling(confidence=0.95, samples=RESAMPLES, seed=seed))[metric]


def seeds_alone(count: int, seed: int) -> Iterator[tuple[str, Alike, bool]]:
    """(what, outcome, whether it must hold). Where seeds move the skill, one training a side cannot know it."""
    rng = np.random.default_rng(seed)
    for metric in ("coverage", "hit", "bits_per_byte", "bleu"):
        yield "seeds that change words alone", called_different(count, (1, 1), metric, 0.0, rng), True
    for sides in ((1, 1), (3, 1), (3, 3), (5, 5)):
        must = sides != (1, 1)
        yield "seeds that change skill too", called_different(count, sides, "bits_per_byte", SEED_SPREAD, rng), must


def main(count: int, seed: int) -> int:
    """Run the proof; return the exit code."""
    cases = coverage(count, seed)
    print(
        f"{count} repeats, seed {seed}: how often the 95 % interval covers the truth, in all and by products in the test"
    )
    print(f"{'':<26}{'all':>7} {' '.join(f'{size:>7}' for size in SIZES)} {'examples*':>9}")
    for case in cases:
        print(case.line())
    print("* Student's interval of examples taken as independent, for comparison", flush=True)
    failed, tried = sum(case.failed for case in cases), len(cases)
    print("Called different though only the seed differs (at most 5 %):")
    for what, alike, must in seeds_alone(count, seed):
        tried, failed = tried + must, failed + (must and alike.failed)
        mark = (
            "FAILED"
            if must and alike.failed
            else ""
            if must
            else "(one training a side: why promote.trainings is there)"
        )
        sides = f"{alike.sides[0]} against {alike.sides[1]}"
        print(f"  {what:<31}{alike.metric:<15}{sides:<12}{alike.called / alike.tried:7.1%} {mark}")
    print(f"PROOF intervals tried={tried} failed={failed}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, int(sys.argv[2]) if len(sys.argv) > 2 else 1))
