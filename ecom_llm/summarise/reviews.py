"""Prepared reviews -> those of one product, and those to learn from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from heapq import heappush, heappushpop
from pathlib import Path

from ecom_llm.records import SPLITS, Example, UserError
from ecom_llm.shards import read_records

MOST = 10_000
"""Reviews to learn from: more cost seconds and memory, and teach little."""

ASKED = ("product", "shop")
"""What may be asked for."""


def asked_product(attributes: Mapping[str, str]) -> str:
    """The id under which the product was collected; where shops have names, theirs stands before it.

    Raises:
        UserError: no product is named, or something else is.
    """
    unknown = [name for name in attributes if name not in ASKED]
    if unknown or "product" not in attributes:
        found = f"found {', '.join(attributes)}" if attributes else "found nothing"
        raise UserError(
            f"summarise: expected --attr product=ID, and --attr shop=NAME where collect.shops has names; {found}."
        )
    return "/".join(attributes[name] for name in reversed(ASKED) if name in attributes)


@dataclass
class Found:
    """What the prepared examples hold for one product in one locale."""

    own: list[Example] = field(default_factory=list)
    """Its reviews, as people wrote them after `prepare`: cleaned, without personal data, each text once."""
    sample: list[tuple[str, Example]] = field(default_factory=list)
    """(reversed order, review) of the locale: a heap of those whose ids have the smallest hashes."""
    elsewhere: Counter[str] = field(default_factory=Counter)
    """Locale -> reviews of the product."""
    known: set[str] = field(default_factory=set)
    """Products of which anything is known."""
    reviewed: set[str] = field(default_factory=set)
    """Products with reviews in the locale."""

    def keep(self, example: Example) -> None:
        """Remember it for learning, as long as few have a smaller hash: the same ones in whatever order they come."""
        # a heap gives up its smallest, so the hash is turned round: the greatest goes first
        entry = (inverted(example.id), example)
        if len(self.sample) < MOST:
            heappush(self.sample, entry)
        else:
            heappushpop(self.sample, entry)

    def lesson(self) -> list[Example]:
        """The reviews to learn from, the product's own among them, in order of their ids."""
        chosen = {example.id: example for example in [*(one for _, one in self.sample), *self.own]}
        return [chosen[name] for name in sorted(chosen)]


def inverted(name: str) -> str:
    """A hash that is greatest where SHA-256 is smallest."""
    return bytes(255 - byte for byte in sha256(name.encode()).digest()).hex()


def find_reviews(prepared: Path, product: str, locale: str) -> Found:
    """The reviews of a product, from the folder that `prepare` wrote: of all splits, since nothing is trained on them here.

    Raises:
        UserError: the folder holds no examples, the product is unknown, or nobody reviewed it in that locale.
    """
    found = Found()
    for example in (example for split in SPLITS for example in read_records(prepared / split, Example)):
        found.known.add(example.product)
        if example.skill != "review":
            continue
        if example.product == product:
            found.elsewhere[example.locale] += 1
        if example.locale == locale:
            found.reviewed.add(example.product)
            found.keep(example)
            if example.product == product:
                found.own.append(example)
    if not found.own:
        raise UserError(why_none(found, product, locale))
    found.own.sort(key=lambda example: example.id)
    return found


def why_none(found: Found, product: str, locale: str) -> str:
    """What to tell where a product has no review."""
    if found.elsewhere:
        there = ", ".join(f"{count} in {name}" for name, count in sorted(found.elsewhere.items()))
        return f"product {product}: no review of it is in {locale}, but {there}. Name the locale: --locale"
    if product in found.known:
        return f"product {product}: nobody reviewed it, or prepare rejected what they wrote (data/prepared/rejected.jsonl)."
    if not found.reviewed:
        return (
            f"there are no reviews in {locale}: nothing can be summarised. docs/data.md says how reviews are collected."
        )
    near = get_close_matches(product, sorted(found.reviewed), n=3)
    hint = f" Near: {', '.join(near)}." if near else ""
    return f"product {product!r} is unknown among {len(found.reviewed):,} with reviews in {locale}.{hint}"
