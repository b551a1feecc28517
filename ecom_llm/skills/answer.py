"""answer: attributes and a customer's question -> an answer that rests on the attributes."""

from collections.abc import Iterator, Mapping

from ecom_llm.records import Example, Tables
from ecom_llm.skills.asking import UNLISTED, Asking
from ecom_llm.skills.skill import STATING, WRITING, Skill, Words, language, lines, unchanged, without_rivals, words
from ecom_llm.skills.slots import slots_of, states

WORDS: Words = {
    "en": {
        "instruction": "Answer the customer's question.",
        "question": "question",
        "template": "Thank you for your question. Here is what we know: {facts}.",
    },
    "zh": {"instruction": "回答顾客的问题。", "question": "问题", "template": "感谢您的提问。商品信息：{facts}。"},
}

RESTING = ("groundedness", "abstention_answerable", "abstention_unanswerable", "abstention_recall", "false_abstention")
"""Whether an answer rests on what is known, and is left ungiven where nothing is."""


def examples(tables: Tables) -> Iterator[Example]:
    """One example for each question; its product need not be in the catalogue."""
    products = {(product.id, product.locale): product for product in tables.products}
    for asked in tables.questions:
        product = products.get((asked.product, asked.locale))
        known = product.attributes if product else {}
        yield Example(
            id=f"answer:{asked.locale}:{asked.product}:{asked.source}:{asked.row}",
            skill="answer",
            locale=asked.locale,
            attributes={**known, words(WORDS, asked.locale)["question"]: asked.question},
            target=asked.answer,
            product=asked.product,
            group=asked.product,
            split=asked.split or (product.split if product else None),
            source=f"{asked.source}:{asked.row}",
            weight=asked.weight,
        )


def prompt(example: Example) -> str:
    return lines(words(WORDS, example.locale)["instruction"], example.attributes, example.locale)


def known(example: Example) -> dict[str, str]:
    """The product's attributes, without the question."""
    question = words(WORDS, example.locale)["question"]
    return {name: value for name, value in example.attributes.items() if name != question}


def question(example: Example) -> str:
    """The customer's question."""
    return example.attributes.get(words(WORDS, example.locale)["question"], "")


def facts(example: Example) -> dict[str, str]:
    """The attributes the human answer states: an answer owes what was asked, not the whole listing."""
    return {
        name: value
        for name, value in known(example).items()
        if (stated := slots_of({name: value})) and all(states(example.target, member) for member in stated.values())
    }


def of_locale(asking: Mapping[str, Asking], locale: str) -> Asking | None:
    """What was learned of a locale's questions, or of those of another one of its language."""
    same = (name for name in sorted(asking) if language(name) == language(locale))
    return asking.get(locale) or asking.get(next(same, ""))


def narrowed(example: Example, asking: Mapping[str, Asking]) -> Example:
    """The question with the attribute that it asks about; with the name of it where the listing lacks it; with all where that cannot
    be told."""
    listing, read = known(example), of_locale(asking, example.locale)
    about = read.asked(question(example)) if read and listing else None
    if about is None:
        return example
    shown = {about: listing[about]} if about in listing else {UNLISTED: about}
    asked = {words(WORDS, example.locale)["question"]: question(example)}
    return example.model_copy(update={"attributes": shown | asked})


def template(example: Example) -> str:
    stated = ", ".join(f"{name} {value}" for name, value in known(example).items())
    return words(WORDS, example.locale)["template"].format(facts=stated)


SKILL = Skill(
    name="answer",
    examples=examples,
    prompt=prompt,
    template=template,
    facts=facts,
    owes_all=False,
    slots=known,
    rivals=without_rivals,
    narrowed=narrowed,
    finish=unchanged,
    metrics=(*WRITING, *STATING, "rouge1", "rouge2", "keyword_coverage", *RESTING),
)
