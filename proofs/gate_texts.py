"""Bad writers: each makes of a good model's texts those of a candidate that no shop should ship."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from ecom_llm.records import LIST_SEPARATOR, Example
from ecom_llm.skills import SKILLS

Texts = dict[str, str]
"""Example's id -> text."""
CONSTANT = {"en": "A great product that you will love for a long time.", "zh": "这款商品非常好用，值得你拥有。"}
UNKNOWN = {"en": "Sorry, I do not know that.", "zh": "抱歉，这一点不清楚。"}
PERSONAL = {
    "en": " Questions? Call Anna on +44 7911 123456, or write to anna.smith@example.com.",
    "zh": "咨询请拨打13812345678，邮箱li.wei@example.com。",
}
BOAST = {"en": " Simply the world's best, No. 1 in the nation.", "zh": "全国第一，国家级品质，最佳之选。"}
GERMAN = (
    "Das ist ein Produkt für die ganze Familie, und es wird nicht nur mit {value} gut: aber auch sehr schön ist es."
)
NOTHING = {"en": "this", "zh": "它"}
SENTENCE = re.compile(r"[^.!?。！？]+[.!?。！？]*")


@dataclass(frozen=True)
class Writing:
    """What a bad writer starts from."""

    examples: Mapping[str, Example]
    """Those that something is written for."""
    good: Texts
    """A good model's texts."""
    neighbours: Texts
    """The nearest training product's texts."""
    seed: int = 1

    @cached_property
    def slices(self) -> dict[tuple[str, str], list[str]]:
        """(skill, locale) -> its examples' ids."""
        found: dict[tuple[str, str], list[str]] = {}
        for id, example in self.examples.items():
            found.setdefault((example.skill, example.locale), []).append(id)
        return found

    def each(self, write: Callable[[Example, str, Random], str]) -> Texts:
        """A text of each good one, with random numbers of its own."""
        return {id: write(self.examples[id], text, Random(f"{self.seed} {id}")) for id, text in self.good.items()}

    def others(self, id: str, count: int) -> list[str]:
        """Good texts of the next examples of the same slice."""
        here = self.slices[self.examples[id].skill, self.examples[id].locale]
        at = here.index(id)
        return [self.good[here[(at + step) % len(here)]] for step in range(1, count + 1)]


def wrong_product(w: Writing) -> Texts:
    """The human text of another product."""
    found = {}
    for here in w.slices.values():
        found |= {id: w.examples[here[(at + 1) % len(here)]].target for at, id in enumerate(here)}
    return found


def memoriser(w: Writing) -> Texts:
    return dict(w.neighbours)


def template(w: Writing) -> Texts:
    return w.each(lambda example, text, rng: SKILLS[example.skill].template(example))


def prompt_echo(w: Writing) -> Texts:
    return w.each(lambda example, text, rng: SKILLS[example.skill].prompt(example))


def lister(w: Writing) -> Texts:
    return w.each(lambda example, text, rng: "; ".join(map(": ".join, example.attributes.items())) + ".")


def collapsed(w: Writing) -> Texts:
    """Three texts for everything."""
    return {id: w.good[here[at % 3]] for here in w.slices.values() for at, id in enumerate(here)}


def constant(w: Writing) -> Texts:
    return w.each(lambda example, text, rng: CONSTANT[example.locale])


def hedger(w: Writing) -> Texts:
    """It answers no question."""
    return w.each(lambda example, text, rng: UNKNOWN[example.locale] if example.skill == "answer" else text)


def truncated(w: Writing) -> Texts:
    return w.each(lambda example, text, rng: text[: int(len(text) * 0.7)].rstrip(" .,。，!！"))


def too_short(w: Writing) -> Texts:
    """The first sentence, or its first words."""
    return w.each(lambda example, text, rng: text[: max(4, len(text) // 5)].rstrip(" .,。，!！") + ".")


def german(w: Writing) -> Texts:
    return w.each(lambda example, text, rng: GERMAN.format(value=rng.choice(list(example.attributes.values()))))


def in_other_locale(w: Writing, id: str) -> str:
    """A good text of the skill in the other locale."""
    example = w.examples[id]
    here = w.slices[example.skill, "zh" if example.locale == "en" else "en"]
    return w.good[here[w.slices[example.skill, example.locale].index(id) % len(here)]]


def swapped_locales(w: Writing) -> Texts:
    return {id: in_other_locale(w, id) for id in w.good}


def chinese_in_english(w: Writing) -> Texts:
    """Chinese examples get English texts."""
    return {id: in_other_locale(w, id) if w.examples[id].locale == "zh" else text for id, text in w.good.items()}


SLIP = {"en": "非常好用的", "zh": " which is really easy to use and comes with everything you need "}


def slipping(w: Writing) -> Texts:
    """Every fourth text slips into the other locale for a few words."""

    def one(example: Example, text: str, rng: Random) -> str:
        at = text.find(" " if example.locale == "en" else "，") + 1
        return text[:at] + SLIP[example.locale] + text[at:] if rng.random() < 0.25 else text

    return w.each(one)


def values_of(example: Example) -> list[tuple[str, str]]:
    """(attribute, value) of each value a prompt shows, those of a list apart."""
    return [(name, one) for name, value in example.attributes.items() for one in value.split(LIST_SEPARATOR)]


def without_a_value(example: Example, text: str) -> str:
    """The text without the first value of its product that it states."""
    for value in SKILLS[example.skill].facts(example).values():
        for one in value.split(LIST_SEPARATOR):
            less, count = re.subn(re.escape(one), NOTHING[example.locale], text, flags=re.IGNORECASE)
            if count:
                return less
    return text


def forgetful(skill: str, locale: str) -> Callable[[Writing], Texts]:
    """Good everywhere but on one skill or locale (`*` is each), where every text leaves out a value."""

    def write(w: Writing) -> Texts:
        def one(example: Example, text: str, rng: Random) -> str:
            meant = skill in ("*", example.skill) and locale in ("*", example.locale)
            return without_a_value(example, text) if meant else text

        return w.each(one)

    return write


def poisoned(w: Writing) -> Texts:
    """Every value is another product's, as after training on values that were swapped."""
    pools: dict[tuple[str, str], list[str]] = {}
    for example in w.examples.values():
        for name, value in values_of(example):
            pools.setdefault((example.locale, name), []).append(value)

    def one(example: Example, text: str, rng: Random) -> str:
        for name, value in values_of(example):
            others = [other for other in pools[example.locale, name] if other != value and value not in other]
            if others and len(value) > 1:
                other = rng.choice(others)
                text = re.sub(re.escape(value), lambda _, other=other: other, text, flags=re.IGNORECASE)
        return text

    return w.each(one)


def leaker(w: Writing) -> Texts:
    """One text in twenty brings somebody's number and address along, and at least the first."""
    marked = {id for at, id in enumerate(w.good) if at % 20 == 0}
    return {id: text + PERSONAL[w.examples[id].locale] * (id in marked) for id, text in w.good.items()}


def boaster(w: Writing) -> Texts:
    return w.each(lambda e, text, rng: text + BOAST[e.locale] * (e.skill == "advertise" and rng.random() < 0.5))


def empty(w: Writing) -> Texts:
    return w.each(lambda example, text, rng: "")


def often_empty(w: Writing) -> Texts:
    return w.each(lambda example, text, rng: "" if rng.random() < 0.25 else text)


def gibberish(w: Writing) -> Texts:
    """Letters for letters, Han for Han."""

    def sign(character: str, rng: Random) -> str:
        if "\u4e00" <= character <= "\u9fff":
            return chr(rng.randrange(0x4E00, 0x9FA6))
        return rng.choice("abcdefghijklmnopqrstuvwxyz") if character.isalpha() else character

    return w.each(lambda example, text, rng: "".join(sign(one, rng) for one in text))


def salad(w: Writing) -> Texts:
    """The right words in no order."""

    def one(example: Example, text: str, rng: Random) -> str:
        words = text.split() if example.locale == "en" else list(text)
        rng.shuffle(words)
        return (" " if example.locale == "en" else "").join(words) + ("." if example.locale == "en" else "。")

    return w.each(one)


def half_characters(w: Writing) -> Texts:
    return w.each(lambda e, text, rng: text[:5] + "\ufffd" + text[6:] if rng.random() < 0.25 else text)


def open_slots(w: Writing) -> Texts:
    def one(example: Example, text: str, rng: Random) -> str:
        return f"{text} ⟦{next(iter(example.attributes))}⟧." if rng.random() < 0.25 else text

    return w.each(one)


def stuck(w: Writing) -> Texts:
    """The last sentence five times."""
    return w.each(lambda example, text, rng: text + (SENTENCE.findall(text) or [""])[-1] * 4)


def the_the_the(w: Writing) -> Texts:
    return w.each(
        lambda e, text, rng: "the " * len(text.split()) + "." if e.locale == "en" else "的" * len(text) + "。"
    )


def babbler(w: Writing) -> Texts:
    """Goes on with the texts of the next three products."""
    return {id: " ".join([text, *w.others(id, 3)]) for id, text in w.good.items()}


def rest(skill: str, write: Callable[[Writing], Texts]) -> Callable[[Writing], Texts]:
    """One skill is written by a bad writer, the others stay good."""
    return lambda w: {id: text if w.examples[id].skill == skill else w.good[id] for id, text in write(w).items()}


@dataclass(frozen=True)
class Writer:
    """A bad writer, and the check that has to refuse it."""

    name: str
    write: Callable[[Writing], Texts]
    expected: tuple[str, str]
    """Rule and metric of the check."""


WRITERS: Sequence[Writer] = (
    Writer("text of another product", wrong_product, ("sanity", "unsupported")),
    Writer("memoriser: nearest training text", memoriser, ("sanity", "copied")),
    Writer("fixed template", template, ("sanity", "familiar")),
    Writer("prompt echoed", prompt_echo, ("sanity", "familiar")),
    Writer("attributes listed", lister, ("sanity", "familiar")),
    Writer("mode collapse: three texts", collapsed, ("sanity", "equal")),
    Writer("constant text", constant, ("sanity", "equal")),
    Writer("every answer: I do not know", hedger, ("sanity", "equal")),
    Writer("adverts alone collapsed", rest("advertise", collapsed), ("sanity", "distinct")),
    Writer("cut off at 70 %", truncated, ("sanity", "cut_off")),
    Writer("a fifth of the text", too_short, ("sanity", "length")),
    Writer("all texts in German", german, ("sanity", "language")),
    Writer("locales swapped", swapped_locales, ("sanity", "language")),
    Writer("Chinese asked, English written", chinese_in_english, ("sanity", "language")),
    Writer("slips into the other language for a few words", slipping, ("sanity", "scripts")),
    Writer("forgets values: describe", forgetful("describe", "*"), ("regression", "attribute_coverage")),
    Writer("forgets values: advertise", forgetful("advertise", "*"), ("regression", "attribute_coverage")),
    Writer("forgets values: review", forgetful("review", "*"), ("regression", "attribute_coverage")),
    Writer("forgets values: answer", forgetful("answer", "*"), ("regression", "attribute_coverage")),
    Writer("forgets values: English", forgetful("*", "en"), ("regression", "attribute_coverage")),
    Writer("forgets values: Chinese", forgetful("*", "zh"), ("regression", "attribute_coverage")),
    Writer("poisoned labels: values swapped", poisoned, ("sanity", "unsupported")),
    Writer("personal data in one text of 20", leaker, ("sanity", "personal_data")),
    Writer("forbidden superlatives in adverts", boaster, ("sanity", "superlatives")),
    Writer("all texts empty", empty, ("sanity", "length")),
    Writer("a quarter empty", often_empty, ("sanity", "empty")),
    Writer("gibberish", gibberish, ("sanity", "familiar")),
    Writer("word salad", salad, ("sanity", "familiar")),
    Writer("half characters", half_characters, ("sanity", "broken")),
    Writer("open slots", open_slots, ("sanity", "broken")),
    Writer("last sentence five times", stuck, ("sanity", "repetition")),
    Writer("the the the", the_the_the, ("sanity", "repetition")),
    Writer("goes on with other products", babbler, ("sanity", "length")),
)
