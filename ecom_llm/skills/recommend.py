"""recommend: what a shopper bought -> the title of what they buy next."""

import re
from collections import defaultdict
from collections.abc import Iterator

from ecom_llm.records import LIST_SEPARATOR, Example, Interaction, Tables
from ecom_llm.skills.skill import Skill, Words, unchanged, whole, without_rivals, words

WORDS: Words = {
    "en": {"instruction": "Recommend the next product.", "history": "history"},
    "zh": {"instruction": "推荐下一件商品。", "history": "购买记录"},
}
SHORTEST = 1
"""Purchases a history must hold before something is recommended from it; published protocols start after the first."""
LONGEST = 5
"""Latest purchases shown: older ones say less about the next, and each costs prompt tokens."""


WINDOW = re.compile(r"^(shopper:.*):(?:train|valid|test):\d+$", re.DOTALL)
"""What `item_windows` puts behind a user: it makes each window a shopper of its own, but it is one person who bought."""


def shopper_group(shopper: str) -> str:
    """The group of a shopper's examples: its own name space, since a product may have the same id."""
    return f"shopper:{shopper}"


def person(group: str) -> str:
    """Whose an example is: its group, without the number of a published window. Windows of one person are not independent."""
    return WINDOW.sub(r"\1", group)


def histories(interactions: list[Interaction]) -> dict[tuple[str, str], list[Interaction]]:
    """(shopper, locale) -> their purchases in order."""
    found: dict[tuple[str, str], list[Interaction]] = defaultdict(list)
    for interaction in interactions:
        found[interaction.shopper, interaction.locale].append(interaction)
    return {key: sorted(rows, key=lambda row: row.position) for key, rows in found.items()}


def examples(tables: Tables) -> Iterator[Example]:
    """One example for each purchase after the first, from the purchases before it.

    Where a publisher marked which purchases of a shopper are to be predicted (and for which split), only those are.
    """
    titles = {(product.id, product.locale): product.title for product in tables.products}
    for (shopper, locale), rows in histories(tables.interactions).items():
        bought = [row for row in rows if (row.product, locale) in titles]
        marked = any(row.split for row in bought)
        for place in range(SHORTEST, len(bought)):
            if marked and not bought[place].split:
                continue
            seen = [titles[row.product, locale] for row in bought[max(0, place - LONGEST) : place]]
            following = bought[place]
            yield Example(
                id=f"recommend:{locale}:{shopper}:{following.position}",
                skill="recommend",
                locale=locale,
                attributes={words(WORDS, locale)["history"]: LIST_SEPARATOR.join(seen)},
                target=titles[following.product, locale],
                product=following.product,
                group=shopper_group(shopper),
                split=following.split,
                source=f"{following.source}:{following.row}#{following.position}",
                weight=following.weight,
            )


def prompt(example: Example) -> str:
    """The instruction, then one title a line: with nothing before it, a title has the same tokens as in a target."""
    said = words(WORDS, example.locale)
    return "\n".join([said["instruction"], *example.attributes.get(said["history"], "").split(LIST_SEPARATOR)])


def template(example: Example) -> str:
    """A shop without a model recommends the last thing bought; the baseline that counts is popularity."""
    return example.attributes[words(WORDS, example.locale)["history"]].split(LIST_SEPARATOR)[-1]


def facts(example: Example) -> dict[str, str]:
    return {}


SKILL = Skill(
    name="recommend",
    examples=examples,
    prompt=prompt,
    template=template,
    facts=facts,
    owes_all=False,
    slots=facts,
    rivals=without_rivals,
    narrowed=whole,
    finish=unchanged,
    metrics=("hit@10", "ndcg@10", "mrr@10"),
)
