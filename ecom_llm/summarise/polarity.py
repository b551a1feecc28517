"""Whether a thought praises or blames: by its words, as buyers with many and with few stars use them, and by its review's stars."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecom_llm.evaluate.judge import Judge, terms, train_judge
from ecom_llm.summarise.topics import Topics
from ecom_llm.summarise.wording import wording_of

WORST, BEST = 1, 5
SPACED = "en"
"""What the judge is told of the language: words come to it parted by spaces, Chinese ones too."""
SURE = 1.0
"""Log-odds from which on a thought counts as praise or blame; below, it counts as neither."""
HEARD = 0.7
"""Log-odds that the words alone must give: stars never make an opinion of `I bought it in blue`."""
NEAR = 4
"""Words before a word of praise or blame among which one turns it into its opposite, or into a wish."""
STAR = 0.75
"""Log-odds that each star above or below three adds to those of the words."""


@dataclass(frozen=True)
class Polarity:
    """Reads praise and blame; without a judge, where no buyer was unhappy or none was happy, off the stars alone."""

    topics: Topics
    judge: Judge | None

    def of(self, thoughts: Sequence[str], stars: Sequence[int]) -> list[int]:
        """1 praise, -1 blame, 0 neither, for each thought and its review's stars."""
        by_stars = np.array(stars, float) - 3
        if self.judge is None or not thoughts:
            return [int(sign) for sign in np.sign(by_stars)]
        found = [terms(as_read(thought, self.topics), SPACED) for thought in thoughts]
        heard = self.judge.classifier.decision_function(self.judge.vectorizer.transform(found))
        odds = heard + STAR * by_stars
        sure = (np.abs(odds) >= SURE) & (np.abs(heard) >= HEARD) & (np.sign(odds) == np.sign(heard))
        signs = np.sign(odds) * sure
        return [0 if self.denied(thought, sign) else int(sign) for thought, sign in zip(thoughts, signs, strict=True)]

    def denied(self, thought: str, sign: float) -> bool:
        """Whether plain words say otherwise than was heard, or both: `I loved the fabric`, in a review of two stars.

        A word of praise or blame behind one that turns or wishes it says nothing by itself: `I did not love the fabric`, `nothing
        wrong with it`; one before does (`great length, not too short`).
        """
        wording = wording_of(self.topics.locale)
        words = self.topics.words(thought)
        turns = [word in wording.turning - wording.mild or word.endswith(wording.negation) for word in words]
        swayed = [turn or word in wording.wishing for turn, word in zip(turns, words, strict=True)]
        plain = [word for at, word in enumerate(words) if not any(swayed[max(0, at - NEAR) : at])]
        hedged, turned = not (wording.mild | wording.wishing).isdisjoint(words), any(turns)
        good, bad = (not listed.isdisjoint(plain) for listed in (wording.good, wording.bad))
        if sign > 0:
            return ((hedged or turned) and not good) or (bad and not turned)
        return (good and not turned) or (not wording.bad.isdisjoint(words) and not bad)


def as_read(thought: str, topics: Topics) -> str:
    """A thought as a judge reads it."""
    return " ".join(topics.spoken(thought))


def learned(thoughts: Sequence[str], stars: Sequence[int], topics: Topics) -> Polarity:
    """From thoughts with their reviews' stars: as many of five-star reviews as of those with one or two.

    Not every thought of an unhappy buyer blames: what is learned is what sets the two kinds apart.
    """
    low = [thought for thought, star in zip(thoughts, stars, strict=True) if star < 3]
    high = [thought for thought, star in zip(thoughts, stars, strict=True) if star == BEST]
    most = min(len(low), len(high))
    chosen = [as_read(thought, topics) for thought in [*low[:most], *high[:most]]]
    return Polarity(topics, train_judge(chosen, [WORST] * most + [BEST] * most, SPACED))
