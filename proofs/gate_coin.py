"""A candidate that is no better than the champion, made of real outputs by a coin.

The two models of `proofs.gate` lend their outputs: for each product a coin says which of them the champion writes for, and the
candidate gets the other's, so that neither is better and both differ as real models do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.slicing import by_slice
from ecom_llm.promote.gate import Entrant
from ecom_llm.promote.sanity.values import values_of
from proofs.gate_shop import Shop

LIKELIHOOD = ("bits_per_byte", "perplexity")


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
