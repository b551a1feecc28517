"""Good models are not lost: better candidates are promoted, and equal ones are not. `python -m proofs.gate_power FOLDER [PAIRS]`.

The two models in the FOLDER of `proofs.gate` lend their outputs: for each product a coin says which of them the champion writes
for, and the candidate gets the other's, so that neither is better and both differ as real models do. Better candidates need fewer
bits for every example, by as much as makes the difference on the primary metric twice what this test set tells. The whole gate judges
each pair, but for absolute thresholds, which are about the recipe and not about the pair.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.slicing import by_slice
from ecom_llm.params import Promote
from ecom_llm.promote.gate import Entrant, decide
from ecom_llm.promote.match import Match
from ecom_llm.promote.sanity.values import values_of
from proofs.gate_shop import Shop, ready

LIKELIHOOD = ("bits_per_byte", "perplexity")
LEAST_ACCEPTED, MOST_PROMOTED = 0.95, 0.05


def told_by(entrant: Entrant, version: str, outputs: Sequence[Output]) -> Entrant:
    """An entrant of these outputs, with the values they have."""
    made = replace(entrant, version=version, outputs=list(outputs))
    return replace(made, evidence=entrant.evidence.model_copy(update={"metrics": values_of(made)}))


def scaled(one: Output, factor: float) -> Output:
    """The output of a model that needs so many times the bits."""
    ratios = {name: (pair[0] * factor, pair[1]) if name in LIKELIHOOD else pair for name, pair in one.ratios.items()}
    return one.model_copy(update={"ratios": ratios})


def levelled(ours: Sequence[Output], theirs: Sequence[Output]) -> list[Output]:
    """Our outputs with the mean likelihood of theirs on each slice, so that a coin's choice favours nobody."""
    bits = {
        (side, place): sum(one.ratios["bits_per_byte"][0] for one in outputs)
        for side, found in enumerate((ours, theirs))
        for place, outputs in by_slice(found).items()
    }
    return [scaled(one, bits[1, (one.skill, one.locale)] / bits[0, (one.skill, one.locale)]) for one in ours]


def sides_of(shop: Shop) -> tuple[Entrant, Entrant]:
    """The champion, and the good model as if it knew the references no better."""
    return shop.champion, replace(shop.good, outputs=levelled(shop.good.outputs, shop.champion.outputs))


def pair(sides: tuple[Entrant, Entrant], rng: np.random.Generator) -> tuple[Entrant, Entrant]:
    """(candidate, champion): for each product a coin says which side is which."""
    coin: Mapping[str, bool] = {
        name: bool(rng.integers(2)) for name in sorted({one.cluster for one in sides[0].outputs})
    }
    other = {one.id: one for one in sides[1].outputs}
    both = [(one, other[one.id]) if coin[one.cluster] else (other[one.id], one) for one in sides[0].outputs]
    candidate, champion = zip(*both, strict=True)
    return told_by(sides[0], "2", candidate), told_by(sides[0], "1", champion)


def better(candidate: Entrant, champion: Entrant, rules: Promote, seed: int, times: float) -> Entrant:
    """The candidate, better on the primary metric by so many detectable differences than it would be by equal models."""
    rule = rules.primary
    tells = Match(candidate, champion, rules, seed).interval(rule, rule.skill, rule.locale)
    told = Match(candidate, champion, rules, seed).tells(tells) or 0.0
    value = champion.evidence.metrics[rule.skill][rule.locale][rule.metric]
    return told_by(candidate, "2", [scaled(one, 1 - times * told / value) for one in candidate.outputs])


def approved(candidate: Entrant, champion: Entrant, rules: Promote, seed: int, reasons: dict[str, int]) -> bool:
    """Whether the gate approves; counts what refused."""
    decision = decide(candidate, champion, rules, seed)
    for check in decision.checks:
        if not check.passed:
            name = f"{check.rule} {check.slice} {check.metric}"
            reasons[name] = reasons.get(name, 0) + 1
    return decision.approved


def prove(shop: Shop, pairs: int) -> int:
    """Judge the pairs; return the exit code."""
    rules = shop.params.promote.model_copy(update={"thresholds": (), "bootstrap_samples": 200})
    sides, rng = sides_of(shop), np.random.default_rng(1)
    promoted = accepted = 0
    why: dict[str, int] = {}
    for seed in range(pairs):
        candidate, champion = pair(sides, rng)
        promoted += approved(candidate, champion, rules, seed, {})
        accepted += approved(better(candidate, champion, rules, seed, 2.0), champion, rules, seed, why)
    print(f"  equal candidates promoted: {promoted} of {pairs} ({promoted / pairs:.1%})")
    print(f"  better by twice the detectable difference, accepted: {accepted} of {pairs} ({accepted / pairs:.1%})")
    for name, count in sorted(why.items(), key=lambda one: -one[1])[:6]:
        print(f"    refused {count}: {name}")
    failed = (promoted / pairs > MOST_PROMOTED) + (accepted / pairs < LEAST_ACCEPTED)
    print(f"PROOF gate-power tried={2 * pairs} failed={failed}")
    return int(failed > 0)


if __name__ == "__main__":
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    sys.exit(prove(ready(Path(sys.argv[1]).resolve()), count))
