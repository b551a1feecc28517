"""What a question asks about: the attribute that its answer is to state, told by the question's words.

An answer needs one line of a listing. With the others out of the prompt the model writes about the one that was asked for, and
where the listing lacks it, sees that it does.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from math import exp

from ecom_llm.records import Record
from ecom_llm.skills.scripts import UNSPACED

LIKELY = 0.5
"""Probability from which on an attribute counts as asked for."""
OTHER = ""
"""In the place of an attribute: something else is asked about."""
UNLISTED = "?"
"""In the place of an attribute: its value is the name of what the listing lacks, so that an answer can say it."""
TERM = re.compile(rf"{UNSPACED.pattern}|(?:(?!{UNSPACED.pattern})[^\W_])+")


def terms(question: str) -> list[str]:
    """The distinct words of a question, of scripts without spaces its characters, and pairs of them."""
    words = TERM.findall(question.casefold())
    return list(dict.fromkeys([*words, *(" ".join(pair) for pair in pairwise(words))]))


class Asking(Record):
    """How the questions of one locale tell what they ask about: softmax regression over the terms they hold."""

    attributes: tuple[str, ...]
    bias: tuple[float, ...]
    """One for each attribute."""
    weights: Mapping[str, tuple[float, ...]]
    """Term -> one for each attribute."""

    def asked(self, question: str) -> str | None:
        """The attribute that a question most likely asks about; None where none is `LIKELY`."""
        known = [self.weights[term] for term in terms(question) if term in self.weights]
        if not known:
            return None
        scores = [sum(column) for column in zip(self.bias, *known, strict=True)]
        best = max(range(len(scores)), key=scores.__getitem__)
        share = 1 / sum(exp(one - scores[best]) for one in scores)
        return (self.attributes[best] or None) if share >= LIKELY else None
