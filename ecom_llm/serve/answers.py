"""A customer's question: what is known of the product it names, and what its answer rests on."""

from logging import getLogger

from ecom_llm.records import LIST_SEPARATOR, Example
from ecom_llm.skills.answer import known, question
from ecom_llm.skills.skill import Words, language, words
from ecom_llm.skills.slots import never_stated, states
from ecom_llm.train.answering.answerer import Answerer
from ecom_llm.train.answering.texts import UNKNOWING

log = getLogger(__name__)
NAMING = ("shop", "product")
"""What names a product: its id, and where `collect.shops` has names, the shop whose id it is."""
WORDS: Words = {
    "en": {"rests": "Rests on: {facts}", "nothing": "nothing of the listing, word for word", "comma": "; "},
    "zh": {"rests": "依据：{facts}", "nothing": "没有逐字引用商品信息", "comma": "；"},
}


def looked_up(example: Example, answerer: Answerer | None) -> Example:
    """A question with what the listing of the product it names says; any other example as it is."""
    if example.skill != "answer" or answerer is None or "product" not in example.attributes:
        return example
    asked = question(example)
    product = "/".join(example.attributes[name] for name in NAMING if name in example.attributes)
    locale = spoken(product, example.locale, answerer)
    listing = answerer.known.listings.get((product, locale), {})
    if not listing and (product, locale) not in answerer.known.answers:
        log.warning(
            "nothing is known of a product %s in %s: the model was trained on other ones", product, example.locale
        )
    given = {name: value for name, value in example.attributes.items() if name not in NAMING and value != asked}
    named = next(name for name, value in example.attributes.items() if value == asked)
    update = {"product": product, "locale": locale, "attributes": {**listing, **given, named: asked}}
    return example.model_copy(update=update)


def spoken(product: str, locale: str, answerer: Answerer) -> str:
    """The locale in which something is known of a product: the one asked for, or else another of its language."""
    if (product, locale) in answerer.known.listings or (product, locale) in answerer.known.answers:
        return locale
    there = {
        one for known in (answerer.known.listings, answerer.known.answers) for name, one in known if name == product
    }
    same = sorted(one for one in there if language(one) == language(locale))
    return same[0] if same else locale


def with_grounds(text: str, example: Example) -> str:
    """An answer from a listing, and in the last line the attributes whose value or name it states word for word."""
    facts = known(example)
    if example.skill != "answer" or not facts or UNKNOWING.search(text):
        return text
    stated = [
        f"{name} {value}"
        for name, value in facts.items()
        if any(states(text, part) for part in (name, *value.split(LIST_SEPARATOR)) if not never_stated(part))
    ]
    said = words(WORDS, example.locale)
    return f"{text}\n{said['rests'].format(facts=said['comma'].join(stated) or said['nothing'])}"
