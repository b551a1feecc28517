"""advertise: attributes, a goal and an audience -> ad copy."""

from collections.abc import Iterator

from ecom_llm.records import Example, Tables
from ecom_llm.skills.skill import STATING, WRITING, Skill, Words, lines, unchanged, whole, without_rivals, words

WORDS: Words = {
    "en": {
        "instruction": "Write an advertisement.",
        "goal": "goal",
        "audience": "audience",
        "template": "{goal}! For {audience}: {facts}. Order now.",
    },
    "zh": {
        "instruction": "写一则广告。",
        "goal": "目标",
        "audience": "受众",
        "template": "{goal}！适合{audience}：{facts}。立即选购。",
    },
}

CHATGLM = ("rouge1", "rouge2", "chatglm_bleu_4", "chatglm_rouge_1", "chatglm_rouge_2", "chatglm_rouge_l")
"""AdvertiseGen's published protocol (Chinese alone), and ROUGE as others have it."""


def examples(tables: Tables) -> Iterator[Example]:
    """One example for each advert whose product is known in the advert's locale."""
    products = {(product.id, product.locale): product for product in tables.products}
    for advert in tables.adverts:
        product = products.get((advert.product, advert.locale))
        if product is None:
            continue
        said = words(WORDS, advert.locale)
        wishes = {said["goal"]: advert.goal, said["audience"]: advert.audience}
        yield Example(
            id=f"advertise:{advert.locale}:{product.id}:{advert.source}:{advert.row}",
            skill="advertise",
            locale=advert.locale,
            attributes={**product.attributes, **{name: wish for name, wish in wishes.items() if wish}},
            target=advert.text,
            product=product.id,
            group=product.id,
            split=product.split,
            source=f"{advert.source}:{advert.row}",
            weight=advert.weight,
        )


def prompt(example: Example) -> str:
    return lines(words(WORDS, example.locale)["instruction"], example.attributes, example.locale)


def stated(example: Example) -> dict[str, str]:
    """Goal and audience too: an advert may name them, though it need not."""
    return example.attributes


def facts(example: Example) -> dict[str, str]:
    """The product's attributes; goal and audience set the tone and need not be named."""
    said = words(WORDS, example.locale)
    return {name: value for name, value in example.attributes.items() if name not in (said["goal"], said["audience"])}


def template(example: Example) -> str:
    said = words(WORDS, example.locale)
    return said["template"].format(
        goal=example.attributes.get(said["goal"], ""),
        audience=example.attributes.get(said["audience"], ""),
        facts=", ".join(facts(example).values()),
    )


SKILL = Skill(
    name="advertise",
    examples=examples,
    prompt=prompt,
    template=template,
    facts=facts,
    owes_all=False,
    slots=stated,
    rivals=without_rivals,
    narrowed=whole,
    finish=unchanged,
    metrics=(*WRITING, *STATING, *CHATGLM),
)
