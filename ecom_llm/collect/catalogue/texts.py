"""Writes the catalogue's texts: descriptions, adverts, reviews with their stars, questions with answers."""

from collections.abc import Sequence
from random import Random

from ecom_llm.collect.catalogue.items import Item
from ecom_llm.collect.catalogue.schema import Term, load_schema
from ecom_llm.collect.catalogue.wording import Teller

_ABSENT_SHARE = 0.15
"""Share of questions about an attribute that the listing lacks."""


_TELL_SHARE = 0.2
"""Share of answers that name the attribute as the listing does, instead of a clause about the product."""


def _lead_names(teller: Teller, names: Sequence[str], most: int) -> list[str]:
    """Up to `most` attributes to stand before the noun, often the brand among them."""
    rng, leads = teller.rng, load_schema().leads
    able = [name for name in names if name in leads and name != "brand"]
    chosen = rng.sample(able, min(len(able), rng.randint(0, most)))
    with_brand = "brand" in names and len(chosen) < most and rng.random() < 0.6
    return chosen + ["brand"] * with_brand


def describe(item: Item, locale: str, rng: Random) -> str:
    """A description that states every attribute of the product."""
    teller = Teller(item, locale, rng)
    names = [name for name in item.facts if name != "category"]
    lead = _lead_names(teller, names, most=min(3, max(0, len(names) - 2)))
    teller.lead(lead)
    frames = teller.wording["describe"]
    opening = teller.pick(frames["open"])
    rest = [name for name in names if name not in lead]
    rng.shuffle(rest)
    teller.lead([])
    body = teller.facts_told(rest, frames)
    if len(body) > 1 and rng.random() < 0.4:
        body[-1] = teller.pick(frames["link"]) + body[-1]
    closing = teller.pick(frames["close"]) if rng.random() < (0.4 if len(rest) > 2 else 0.9) else ""
    return teller.text([opening, *body, closing])


def advertise(item: Item, locale: str, rng: Random) -> tuple[str, str, str]:
    """An advert: goal, audience, and a text that states both, the category and three or more attributes, or all there are."""
    teller = Teller(item, locale, rng)
    wording = teller.wording
    goal = rng.choice(list(wording["goals"]))
    audience = rng.choice(wording["goals"][goal].get("audiences", wording["audiences"]))
    names = [name for name in item.facts if name != "category"]
    told = rng.sample(names, min(len(names), max(3, round(0.65 * len(names)))))
    lead = _lead_names(teller, told, most=min(3, len(told) - 1))
    teller.lead(lead)
    opening = teller.pick(wording["goals"][goal]["open"])
    teller.lead([])
    body = teller.facts_told([name for name in told if name not in lead], wording["advert"])
    greeting = teller.pick(wording["advert"]["audience"], audience=audience)
    closing = teller.pick(wording["goals"][goal]["close"]) if rng.random() < 0.7 else ""
    middle = [greeting, *body] if rng.random() < 0.5 else [*body, greeting]
    return goal, audience, teller.text([opening, *middle, closing])


def stars_of(strengths: int, flaws: int) -> int:
    """Stars a reviewer gives who speaks of so many strengths and flaws: three, up and down by the difference."""
    return min(5, max(1, 3 + strengths - flaws))


def review(item: Item, locale: str, rng: Random) -> tuple[int, tuple[str, ...], tuple[str, ...], str]:
    """A review: stars, the strengths and flaws it speaks of, and a text that states each of them."""
    count_of_flaws = rng.choices((0, 1, 2), weights=(4, 4, 3))[0]
    count_of_strengths = rng.choice((1, 2)) if count_of_flaws == 0 else rng.randint(0, 2)
    strengths = _spoken_of(item.strengths, count_of_strengths, locale, rng)
    flaws = _spoken_of(item.flaws, count_of_flaws, locale, rng)
    stars = stars_of(len(strengths), len(flaws))
    teller = Teller(item, locale, rng)
    frames = teller.wording["review"]
    mood = "good" if stars > 3 else "fair" if stars == 3 else "poor"
    opening = teller.pick(frames[mood])
    praise = _aspects_told(teller, frames, "strength", strengths)
    blame = _aspects_told(teller, frames, "flaw", flaws)
    closing = teller.pick(frames[f"end_{mood}"]) if rng.random() < 0.5 else ""
    return stars, strengths, flaws, teller.text([opening, praise, blame, closing])


def _spoken_of(phrases: tuple[Term, ...], number: int, locale: str, rng: Random) -> tuple[str, ...]:
    return tuple(phrase[locale] for phrase in rng.sample(phrases, number))


def _aspects_told(teller: Teller, frames: dict, kind: str, phrases: tuple[str, ...]) -> str:
    if not phrases:
        return ""
    templates = frames[kind if len(phrases) == 1 else kind + "s"]
    return teller.pick(templates, **{f"f{place}": phrase for place, phrase in enumerate(phrases, start=1)})


def answer(item: Item, locale: str, rng: Random) -> tuple[str, str]:
    """A question about one attribute and its answer; if the listing lacks the attribute, the answer says so."""
    teller = Teller(item, locale, rng)
    frames = teller.wording["answer"]
    absent = [attribute.name.en for attribute in item.category.attributes if attribute.name.en not in item.facts]
    if absent and rng.random() < _ABSENT_SHARE:
        name = rng.choice(absent)
        return _question(teller, name), _refusal(teller, name)
    name = rng.choice([name for name in item.facts if name != "category"])
    question = _question(teller, name)
    if rng.random() < _TELL_SHARE:
        sentences = [_closed(teller, teller.pick(frames["tell"], name=teller.name(name), v=teller.spoken(name)))]
    else:
        opening = teller.pick(frames["open"]) if rng.random() < 0.7 else ""
        sentences = [opening, _closed(teller, teller.about(name, "s"))]
    closing = teller.pick(frames["close"]) if rng.random() < 0.45 else ""
    return question, teller.text([*sentences, closing])


def _refusal(teller: Teller, name: str) -> str:
    """Say plainly that the listing does not give this attribute."""
    frames = teller.wording["answer"]
    closing = teller.pick(frames["absent_close"]) if teller.rng.random() < 0.5 else ""
    return teller.text([_closed(teller, teller.pick(frames["absent"], name=teller.name(name))), closing])


def _closed(teller: Teller, clause: str) -> str:
    return clause + ("." if teller.locale == "en" else "。")


def _question(teller: Teller, name: str) -> str:
    templates = teller.wording["tell"][name]["ask"] * 2 + teller.wording["answer"]["ask"]
    return teller.text([teller.pick(templates, name=teller.name(name))])
