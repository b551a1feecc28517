"""describe: attributes -> the product's description."""

from collections.abc import Iterator

from ecom_llm.records import Example, Tables
from ecom_llm.skills.skill import STATING, WRITING, Skill, Words, lines, unchanged, whole, without_rivals, words

WORDS: Words = {
    "en": {
        "instruction": "Write a product description.",
        "template": "This product has the following features: {facts}.",
    },
    "zh": {"instruction": "写一段商品描述。", "template": "本商品特点：{facts}。"},
}

MANNER = {"act"}
"""RNNLG's dialogue act (`inform`, `recommend`): it sets the tone, and no sentence states it."""


def examples(tables: Tables) -> Iterator[Example]:
    """One example for each product that has a description."""
    for product in tables.products:
        if product.description:
            yield Example(
                id=f"describe:{product.locale}:{product.id}",
                skill="describe",
                locale=product.locale,
                attributes=product.attributes,
                target=product.description,
                product=product.id,
                group=product.id,
                split=product.split,
                source=f"{product.source}:{product.row}",
                weight=product.weight,
            )


def prompt(example: Example) -> str:
    return lines(words(WORDS, example.locale)["instruction"], example.attributes, example.locale)


def template(example: Example) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in example.attributes.items())
    return words(WORDS, example.locale)["template"].format(facts=facts)


def facts(example: Example) -> dict[str, str]:
    """All attributes, less those that say how to write and not what."""
    return {name: value for name, value in example.attributes.items() if name not in MANNER}


SKILL = Skill(
    name="describe",
    examples=examples,
    prompt=prompt,
    template=template,
    facts=facts,
    owes_all=True,
    slots=facts,
    rivals=without_rivals,
    narrowed=whole,
    finish=unchanged,
    metrics=(*WRITING, *STATING),
)
