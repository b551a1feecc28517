"""Chinese: jieba's dictionary says which words name things and which describe them; where it does not, their neighbours do."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import regex

from ecom_llm.prepare.words import folded, segmenter
from ecom_llm.summarise.thoughts import thoughts
from ecom_llm.summarise.topics import Topics, silent
from ecom_llm.summarise.wording import listed

HAN = regex.compile(r"\p{Han}+")
PEOPLE_AND_PLACES = ("nr", "ns", "nt")
MEASURES = listed("款 家 台 本 部 套 件 条 双 只 间 副 把 盏 张 块")
"""Measure words between `this` and what was bought; 个 stands before anything (这个价格)."""
POINTING = listed("该 此 本 这") | {"这" + measure for measure in MEASURES}
JUDGING = listed("很 非常 挺 太 不 比较 特别 真 十分 超 超级 蛮 不错 好 差 一般 极 有点 不够 够")
"""What stands behind a word that is judged, beside words that describe: 做工很好, 走线整齐."""
DESCRIBING = ("a", "an", "i")
NAMING = (*DESCRIBING, "vn")
"""Classes that name a part or a trait, beside nouns: those that describe (adjectives, idioms), and verbs used as nouns."""
OTHERS = ("", "v", "f", "s")
"""Classes (none, verbs, places) whose words name one where buyers judge them: 做工 is a verb in the dictionary."""
LEAST = 3
"""Uses of a word, in all reviews, from which on its neighbours tell anything."""
JUDGED = 0.2
"""Share of uses that must be judged where the dictionary calls a word no name of a thing: 散热 is a verb there."""
NAME = 0.04
"""Share of a noun's uses behind `this` from which on it names the product itself."""
SHORTEST = 2
"""Characters of a topic: single ones mean too much."""


@cache
def classes() -> dict[str, str]:
    """Word -> its class in jieba's dictionary: `n...` names things, `a...` describes."""
    with segmenter().get_dict_file() as lines:
        entries = (line.split() for line in lines.read().decode().splitlines())
        return {word: tag for word, _, tag in entries}


@lru_cache(maxsize=200_000)
def cut(run: str) -> tuple[str, ...]:
    """The words of a run of Han; remembered, since a thought is looked at several times."""
    return tuple(segmenter().cut(run))


def is_trait(word: str) -> bool:
    """Whether the dictionary says that a word describes."""
    return len(word) >= SHORTEST and classes().get(word) in DESCRIBING


@dataclass
class Uses:
    """How often a word was seen, and how."""

    all: int = 0
    judged: int = 0
    pointed: int = 0


NEVER = Uses()


class Chinese(Topics):
    """The words of Chinese reviews."""

    def __init__(self, locale: str) -> None:
        super().__init__(locale)
        self.uses: dict[str, Uses] = defaultdict(Uses)

    def learn(self, texts: Iterable[str]) -> None:
        for text in texts:
            for thought in thoughts(text, self.locale):
                self.look(self.words(thought.text))

    def look(self, thought: list[str]) -> None:
        """Count the words of one thought; of two words, 走线整齐, the second judges the first."""
        words = ["", "", *thought, ""]
        for earlier, before, word, behind in zip(words, words[1:], words[2:], words[3:], strict=False):
            seen = self.uses[word]
            seen.all += 1
            seen.judged += behind in JUDGING or (bool(behind) and len(thought) == 2) or is_trait(behind)
            seen.pointed += before in POINTING or (earlier in POINTING and before in MEASURES)

    def words(self, thought: str) -> list[str]:
        return [word for run in HAN.findall(folded(thought)) for word in cut(run)]

    def is_thing(self, word: str) -> bool:
        return classes().get(word, "")[:1] == "n"

    def named(self, thought: str) -> Iterator[tuple[str, bool]]:
        for word in self.words(thought):
            if len(word) >= SHORTEST and word not in silent(self.locale) and self.is_name(word):
                yield word, not is_trait(word)

    def is_name(self, word: str) -> bool:
        """Whether a word names a part or a trait."""
        kind, seen = classes().get(word, ""), self.uses.get(word, NEVER)
        if kind.startswith(PEOPLE_AND_PLACES) or (seen.all >= LEAST and seen.pointed >= NAME * seen.all):
            return False
        judged = seen.all >= LEAST and seen.judged >= JUDGED * seen.all
        return kind[:1] == "n" or kind in NAMING or (judged and kind[:1] in OTHERS)
