"""Rows -> examples: every skill's, without those that are too short, too long or empty, and without repetitions."""

from collections.abc import Hashable, Iterable

from ecom_llm.params import Prepare
from ecom_llm.prepare.ledger import TABLE_OF, Fate, Ledger, origin_of, origin_of_example
from ecom_llm.records import Example, Split, Tables
from ecom_llm.skills import SKILLS
from ecom_llm.skills.recommend import shopper_group


def make_examples(tables: Tables, given: dict[str, Split], params: Prepare, ledger: Ledger) -> list[Example]:
    """The examples of every skill; each carries the split its publisher gave its group, or None.

    Of equal examples the first is kept, but for those of published splits: they stand as they were published, equal
    ones too, since results are compared with others' on just these rows; examples of other sources that equal one
    of them go.
    """
    made = [
        example.model_copy(update={"split": given.get(example.group)})
        for skill in SKILLS.values()
        for example in skill.examples(tables)
    ]
    sound = list(without_faults(made, params, ledger))
    seen = {content_of(example) for example in sound if example.split}
    kept: list[Example] = []
    for example in sound:
        content = content_of(example)
        if example.split is None and content in seen:
            ledger.settle(origin_of_example(example), Fate("duplicate"))
            continue
        seen.add(content)
        kept.append(example)
        ledger.settle(origin_of_example(example), Fate("example"))
    return kept


def without_faults(examples: Iterable[Example], params: Prepare, ledger: Ledger) -> Iterable[Example]:
    """The examples that can be learned from; the others' rows are settled as rejected."""
    for example in examples:
        reason = fault(example, params)
        if reason:
            ledger.settle(origin_of_example(example), Fate("rejected", reason))
        else:
            yield example


def fault(example: Example, params: Prepare) -> str:
    """Why an example cannot be learned from, or nothing. Lengths are in characters of the text to be written."""
    length = len(example.target)
    if length < params.min_characters:
        return f"text: shorter than {params.min_characters} characters"
    if length > params.max_characters:
        return f"text: longer than {params.max_characters} characters"
    return "" if example.attributes else "attributes: none to write from"


def content_of(example: Example) -> Hashable:
    """What makes two examples equal: skill, locale, attributes and target.

    Equal purchases of two shoppers are two events and not a repetition, so there the shopper counts too.
    """
    shopper = example.group if TABLE_OF[example.skill] == "interactions" else ""
    return example.skill, example.locale, shopper, tuple(example.attributes.items()), example.target


def settle_context(tables: Tables, examples: list[Example], ledger: Ledger) -> None:
    """Settle the rows that no example was made from: products without a description, and purchases in histories."""
    for product in tables.products:
        if not product.description:
            ledger.settle(origin_of("products", product), Fate("context"))
    histories = {(example.group, example.locale) for example in examples if TABLE_OF[example.skill] == "interactions"}
    for bought in tables.interactions:
        origin = origin_of("interactions", bought)
        if (shopper_group(bought.shopper), bought.locale) in histories:
            ledger.settle(origin, Fate("context"))
        elif ledger.kind(origin) is None:
            ledger.settle(origin, Fate("rejected", "history: no purchase in it is left to predict"))
