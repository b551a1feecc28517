"""One language's wording, and a Teller that puts one product's facts into its sentences."""

from random import Random

from ecom_llm.collect.catalogue.grammar import PLURAL, SINGULAR, choose, with_articles, with_capitals
from ecom_llm.collect.catalogue.items import Item
from ecom_llm.collect.catalogue.schema import load_schema, load_wording


class Teller:
    """Tells of one product in one language; every choice of words comes from `rng`."""

    def __init__(self, item: Item, locale: str, rng: Random) -> None:
        self.item, self.locale, self.rng = item, locale, rng
        self.wording = load_wording(locale)
        self.slots = {**(PLURAL if item.category.plural else SINGULAR), "cl": item.category.classifier}
        self.lead([])

    def lead(self, names: list[str]) -> None:
        """Set the noun phrase: the values of these attributes (in title order), then the category."""
        ordered = [name for name in self.wording["titles"]["order"] if name in names]
        noun = self.wording["separator"].join(self.spoken(name) for name in [*ordered, "category"])
        before = self.slots["one"] + " " if self.locale == "en" else "一" + self.slots["cl"]
        self.noun = {"np": noun, "one": before + noun}

    def spoken(self, name: str) -> str:
        """The attribute's value as a sentence says it: list members joined by commas and an "and"."""
        terms = [term[self.locale] for term in self.item.facts[name]]
        if len(terms) == 1:
            return terms[0]
        return self.wording["list_comma"].join(terms[:-1]) + self.wording["list_and"] + terms[-1]

    def say(self, template: str, **slots: str) -> str:
        """Choose among the template's alternatives and fill its slots, those given and the product's own."""
        text = choose(template, self.rng)
        if "{use}" in text:
            slots["use"] = self.say(self.rng.choice(self.wording["uses"][self.item.category.name.en]))
        return text.format_map({**self.slots, **self.noun, **slots})

    def pick(self, templates: list[str], **slots: str) -> str:
        """Say one of the templates."""
        return self.say(self.rng.choice(templates), **slots)

    def about(self, name: str, form: str) -> str:
        """Say one attribute in a form of the wording file (`s`, `p`, `tail`, `ask`), or as `i`: an `s` about {it}."""
        templates = self.wording["tell"][name]
        if form == "i":
            usable = [template for template in templates["s"] if template.startswith("{it} ")] or templates["s"]
        else:
            usable = templates[form]
        return self.pick(usable, v=self.spoken(name), name=self.name(name))

    def name(self, attribute: str) -> str:
        """The attribute's name in this language."""
        return load_schema().names[attribute][self.locale]

    def facts_told(self, names: list[str], frames: dict) -> list[str]:
        """Sentences that together state these attributes, one or two in each."""
        sentences, waiting = [], list(names)
        while waiting:
            size = 2 if len(waiting) > 1 and self.rng.random() < 0.75 else 1
            group, waiting = waiting[:size], waiting[size:]
            template = self.rng.choice(frames["one" if size == 1 else "two"])
            slots = {
                f"{form[0]}{place}": self.about(name, form)
                for place, name in enumerate(group, start=1)
                for form in ("s", "i", "p", "tail")
                if f"{{{form[0]}{place}}}" in template
            }
            sentences.append(self.say(template, **slots))
        return sentences

    def text(self, sentences: list[str]) -> str:
        """Join sentences as the language does, with capitals and articles in place."""
        joined = self.wording["separator"].join(sentence for sentence in sentences if sentence)
        return with_capitals(with_articles(joined)) if self.locale == "en" else joined
