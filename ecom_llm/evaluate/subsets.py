"""Which examples belong together beyond skill and locale: those of one category, or of one source."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ecom_llm.evaluate.evidence import Output
from ecom_llm.params import Evaluate
from ecom_llm.records import Example

ALL = "all"


def within(outputs: Sequence[Output], skill: str, locale: str, subset: str = ALL) -> list[Output]:
    """The outputs of a slice; `all` takes every one."""
    return [
        output
        for output in outputs
        if skill in (ALL, output.skill)
        and locale in (ALL, output.locale)
        and (subset == ALL or subset in output.subsets)
    ]


def attributes_known(examples: Iterable[Example], names: Sequence[str]) -> dict[tuple[str, str], dict[str, str]]:
    """(product, locale) -> those of the named attributes that any example about it shows, the first one's value.

    A question or a purchase does not show its product's category; the product's description does.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    for example in examples:
        for name in names:
            if value := example.attributes.get(name):
                found.setdefault((example.product, example.locale), {}).setdefault(name, value)
    return found


def memberships(example: Example, known: Mapping[tuple[str, str], Mapping[str, str]]) -> list[str]:
    """Every subset an example could be in, such as `category=dress` and `source=products.csv`."""
    attributes = known.get((example.product, example.locale), {})
    return [
        *(f"{name}={value}" for name, value in attributes.items()),
        f"source={example.source.rpartition(':')[0]}",
    ]


def subsets_of(
    examples: Sequence[Example], prepared: Iterable[Example], params: Evaluate
) -> dict[str, tuple[str, ...]]:
    """Example's id -> its subsets: the largest `max_subsets` that hold at least `min_subset_examples`, but not all.

    Args:
        examples: those that are measured.
        prepared: examples of all splits, from which the products' attributes are known.
        params: which attributes, how many subsets and how large.
    """
    known = attributes_known(prepared, params.subset_attributes)
    found = {example.id: memberships(example, known) for example in examples}
    sizes = Counter(name for names in found.values() for name in names)
    fitting = [name for name, size in sizes.items() if params.min_subset_examples <= size < len(examples)]
    kept = set(sorted(fitting, key=lambda name: (-sizes[name], name))[: params.max_subsets])
    return {id: tuple(name for name in names if name in kept) for id, names in found.items()}


def marked(outputs: Iterable[Output], subsets: Mapping[str, tuple[str, ...]]) -> list[Output]:
    """The outputs with their subsets written on them."""
    return [output.model_copy(update={"subsets": subsets[output.id]}) for output in outputs]
