"""What thoughts are about, and how they speak of it: one Topics for each locale, learned from the shop's own reviews."""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from ecom_llm.prepare.words import language_of, stemmer, stop_words
from ecom_llm.summarise.wording import wording_of


class Topic(NamedTuple):
    """What a thought is about: a part of the product (`fabric`), or a trait (`soft`)."""

    stem: str
    is_part: bool


class Topics(ABC):
    """The words of one locale's reviews; a language says how it tells words apart."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self.spellings: dict[str, Counter[str]] = defaultdict(Counter)

    @abstractmethod
    def learn(self, texts: Iterable[str]) -> None:
        """Look at how words are used in these reviews."""

    @abstractmethod
    def words(self, thought: str) -> list[str]:
        """Every word of a thought, folded."""

    @abstractmethod
    def named(self, thought: str) -> Iterator[tuple[str, bool]]:
        """(word, whether it is a part's) of those among them that name a part or a trait of a product."""

    @abstractmethod
    def is_thing(self, word: str) -> bool:
        """Whether a word names something, and says nothing of it."""

    def of(self, thought: str) -> frozenset[Topic]:
        """What a thought is about; `spelt` remembers how it spells that."""
        found = set()
        for word, is_part in self.named(thought):
            topic = Topic(self.stem(word), is_part)
            self.spellings[topic.stem][word] += 1
            found.add(topic)
        return frozenset(found)

    def stem(self, word: str) -> str:
        known = stemmer(language_of(self.locale))
        return known.stemWord(word) if known else word

    def spelt(self, stem: str) -> str:
        """A topic as most thoughts spell it."""
        return min(self.spellings[stem].items(), key=lambda item: (-item[1], item[0]))[0]

    def spoken(self, thought: str) -> list[str]:
        """How a thought speaks, whatever of: no names of things, no words that say nothing.

        With them a judge learns that unhappy buyers write of `the fabric` and of what they `ordered`, and hears blame in both.
        """
        return [word for word in self.words(thought) if self.tells(word)]

    def tells(self, word: str) -> bool:
        wording = wording_of(self.locale)
        if word in wording.good | wording.bad | wording.turning | wording.wishing or word.endswith(wording.negation):
            return True
        return word not in silent(self.locale) and not self.is_thing(word)


@cache
def silent(locale: str) -> frozenset[str]:
    """Words that are no topic: function words, and those that judge or tell without saying of what."""
    wording = wording_of(locale)
    judging = wording.good | wording.bad | wording.turning | wording.wishing | wording.mild
    return wording.empty | judging | stop_words(language_of(locale))
