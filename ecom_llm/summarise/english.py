"""English: which words name a part or a trait of a product shows in how buyers use them.

A shop's words (`pilling`, `armhole`) are in no general dictionary, and taggers are trained on newspapers. But buyers write `the
ARMHOLE is` and `it is BOXY`, and what they bought is `this DRESS`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

from ecom_llm.prepare.words import folded
from ecom_llm.summarise.topics import Topics, silent
from ecom_llm.summarise.wording import listed

TOKEN = regex.compile(r"\p{L}+(?:['’]\p{L}+)?|\p{N}+|[^\s\p{L}\p{N}]")
POINTING = listed("this these")
ARTICLES = listed("the a an my its their your no any those") | POINTING
LINKS = listed(
    "is was are were be been isn't wasn't aren't it's they're too very so really super quite extremely pretty slightly bit little"
    " look looks looked feel feels felt run runs ran seem seems seemed not more rather incredibly somewhat fairly overly"
)
"""What stands before a word that describes: `it is boxy`, `a bit boxy`, `runs small`."""
JOINING = listed("and or ,")
SELF = listed("i i'm we she you")
CLOSING = listed(
    "is was are were has have had and or but of in on at for with that which so as to it i the also just really looks look feels fits"
    " fit runs makes make made than because when if could would will seems . , ! ? ; : ) ( - /"
)
"""What stands behind a noun, and not between a describing word and its noun: `the fabric is`, but `the soft fabric`."""
LEAST = 3
"""Uses of a word, in all reviews, from which on its neighbours tell anything."""
NOUN, TRAIT = 0.12, 0.15
"""Share of uses that must look like a noun's (`the X is`), or like a describing word's (`it is X`)."""
NAME = 0.3
"""Share of a noun's uses with `this` from which on it names the product itself."""
SHORTEST = 3
"""Letters of a topic."""
MANNER = "ly"
"""How words end that say how, and not what, where what stands before it is a word: `really`, but not `assembly`."""


@dataclass
class Uses:
    """How often a word was seen, and how."""

    all: int = 0
    noun: int = 0
    trait: int = 0
    pointed: int = 0

    @property
    def is_trait(self) -> bool:
        return self.all >= LEAST and self.trait >= TRAIT * self.all

    @property
    def is_noun(self) -> bool:
        return self.all >= LEAST and self.noun >= NOUN * self.all and not self.is_trait

    @property
    def names_the_product(self) -> bool:
        return self.pointed >= NAME * self.noun


NEVER = Uses()


@dataclass(frozen=True)
class Place:
    """A word and its neighbours."""

    word: str
    before: tuple[str, ...]
    """The nearest first."""
    behind: str

    @property
    def article(self) -> str:
        """The article it stands behind, at once or with describing words between; '' for none."""
        for word in self.before:
            if word in ARTICLES:
                return word
            if word in LINKS or word in CLOSING:
                break
        return ""

    @property
    def describes(self) -> bool:
        """Whether it stands where a product is described, and not the buyer (`I am happy`)."""
        return self.before[0] in LINKS and self.before[1] not in SELF


@lru_cache(maxsize=100_000)
def places(text: str) -> tuple[Place, ...]:
    """Every word with what stands beside it; remembered, since a thought is looked at several times."""
    tokens = [".", ".", ".", *TOKEN.findall(folded(text).replace("’", "'")), "."]
    return tuple(
        Place(tokens[at], (tokens[at - 1], tokens[at - 2], tokens[at - 3]), tokens[at + 1])
        for at in range(3, len(tokens) - 1)
        if tokens[at][0].isalpha()
    )


class English(Topics):
    """The words of English reviews."""

    def __init__(self, locale: str) -> None:
        super().__init__(locale)
        self.uses: dict[str, Uses] = defaultdict(Uses)

    def learn(self, texts: Iterable[str]) -> None:
        for place in (place for text in texts for place in places(text)):
            seen = self.uses[place.word]
            article = place.article if place.behind in CLOSING else ""
            seen.all += 1
            seen.noun += bool(article)
            seen.pointed += article in POINTING
            seen.trait += place.describes

    def words(self, thought: str) -> list[str]:
        return [place.word for place in places(thought)]

    def is_thing(self, word: str) -> bool:
        return self.uses.get(word, NEVER).is_noun

    def named(self, thought: str) -> Iterator[tuple[str, bool]]:
        for place in places(thought):
            seen = self.uses.get(place.word, NEVER)
            if place.word in silent(self.locale) or len(place.word) < SHORTEST or self.says_how(place.word):
                continue
            if seen.is_trait and (place.describes or place.before[0] in JOINING):
                yield place.word, False
            elif seen.is_noun and not seen.names_the_product:
                yield place.word, True

    def says_how(self, word: str) -> bool:
        stem = word.removesuffix(MANNER)
        return stem != word and (stem in self.uses or f"{stem}le" in self.uses)
