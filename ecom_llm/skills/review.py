"""review: attributes, stars, strengths and flaws -> a simulated review, labelled as simulated wherever it is shown.

Selling or spreading invented customer reviews is illegal (FTC rule of 2024, 16 CFR 465; China's E-Commerce Law,
Art. 17): the text is for testing a shop's own systems and for seeing which doubts buyers may have, and `finish` says so.
"""

from collections.abc import Iterator

from ecom_llm.records import LIST_SEPARATOR, Example, Product, Review, Tables
from ecom_llm.skills.skill import STATING, WRITING, Skill, Words, lines, whole, words

WORDS: Words = {
    "en": {
        "instruction": "Write a simulated customer review.",
        "stars": "stars",
        "strengths": "strengths",
        "flaws": "flaws",
        "template": "{stars} stars. I like: {strengths}. I dislike: {flaws}.",
        "nothing": "nothing",
        "label": "[Simulated review] ",
    },
    "zh": {
        "instruction": "写一条模拟评论。",
        "stars": "星级",
        "strengths": "优点",
        "flaws": "缺点",
        "template": "{stars}星。优点：{strengths}。缺点：{flaws}。",
        "nothing": "无",
        "label": "【模拟评论】",
    },
}

STARS = ("1", "2", "3", "4", "5")
"""As prompts spell them."""


def attributes(product: Product | None, review: Review) -> dict[str, str]:
    """What a review is written from: the kind of product, the stars, and the aspects it speaks of."""
    said = words(WORDS, review.locale)
    first = dict(list(product.attributes.items())[:1]) if product else {}
    shown = {**first, said["stars"]: str(review.stars)}
    if review.strengths:
        shown[said["strengths"]] = LIST_SEPARATOR.join(review.strengths)
    if review.flaws:
        shown[said["flaws"]] = LIST_SEPARATOR.join(review.flaws)
    return shown


def examples(tables: Tables) -> Iterator[Example]:
    """One example for each review; its product need not be in the catalogue."""
    products = {(product.id, product.locale): product for product in tables.products}
    for review in tables.reviews:
        product = products.get((review.product, review.locale))
        yield Example(
            id=f"review:{review.locale}:{review.product}:{review.source}:{review.row}",
            skill="review",
            locale=review.locale,
            attributes=attributes(product, review),
            target=review.text,
            product=review.product,
            group=review.product,
            split=product.split if product else None,
            source=f"{review.source}:{review.row}",
            weight=review.weight,
        )


def prompt(example: Example) -> str:
    return lines(words(WORDS, example.locale)["instruction"], example.attributes, example.locale)


def stated(example: Example) -> dict[str, str]:
    """The kind of product, the strengths and the flaws; a number in the text is seldom the stars."""
    said = words(WORDS, example.locale)
    return {name: value for name, value in example.attributes.items() if name != said["stars"]}


def facts(example: Example) -> dict[str, str]:
    """The strengths and flaws; the stars show in the tone, not in a value to be stated."""
    said = words(WORDS, example.locale)
    return {name: example.attributes[name] for name in (said["strengths"], said["flaws"]) if name in example.attributes}


def rivals(example: Example) -> list[Example]:
    """The same review with each other number of stars; none where nobody asked for stars."""
    name = words(WORDS, example.locale)["stars"]
    asked = example.attributes.get(name)
    others = [stars for stars in STARS if stars != asked] if asked else []
    return [example.model_copy(update={"attributes": {**example.attributes, name: stars}}) for stars in others]


def template(example: Example) -> str:
    said = words(WORDS, example.locale)
    return said["template"].format(
        stars=example.attributes[said["stars"]],
        strengths=example.attributes.get(said["strengths"], said["nothing"]),
        flaws=example.attributes.get(said["flaws"], said["nothing"]),
    )


def finish(text: str, locale: str) -> str:
    """Put the label in front, once."""
    label = words(WORDS, locale)["label"]
    return text if text.startswith(label) else label + text


SKILL = Skill(
    name="review",
    examples=examples,
    prompt=prompt,
    template=template,
    facts=facts,
    owes_all=True,
    slots=stated,
    rivals=rivals,
    narrowed=whole,
    finish=finish,
    metrics=(*WRITING, *STATING, "star_agreement", "star_agreement_within_1", "polarity_agreement"),
)
