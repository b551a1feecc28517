"""Training's questions and answers: what people answer to questions that ask for yes or no, and to others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ecom_llm.train.answering.evidence import Told
from ecom_llm.train.answering.overlap import Pool

VERBS = "does|do|did|is|are|was|were|can|could|will|would|has|have|should"
ASKING = re.compile(rf"(?:^|[.!?,;:]\s*|\b(?:and|but|so)\s+)(?:{VERBS})\s+\w", re.IGNORECASE)
"""How an English question begins, wherever it stands in a text, that yes or no would answer."""
EITHER = re.compile(r"\bor\b", re.IGNORECASE)
PARTICLES = re.compile(r"[吗嘛么]|是否|能不能|可不可以|有没有|是不是|会不会")


def asks_yes_or_no(question: str) -> bool:
    """Whether yes or no would answer: in English by how a question begins, in Chinese by its particles."""
    return bool(PARTICLES.search(question) or (ASKING.search(question) and not EITHER.search(question)))


@dataclass(frozen=True)
class Neighbours:
    """Answered questions of many products."""

    told: Sequence[Told]

    @cached_property
    def pools(self) -> dict[bool, Pool]:
        """Whether yes or no is asked for -> the answers to such questions; to all where there are none."""
        by_kind: dict[bool, list[str]] = {True: [], False: []}
        for one in self.told:
            by_kind[asks_yes_or_no(one.question)].append(one.answer)
        everything = tuple(one.answer for one in self.told)
        return {kind: Pool(tuple(answers) or everything) for kind, answers in by_kind.items()}

    def pool(self, question: str) -> Pool:
        """The answers to questions of the same kind."""
        return self.pools[asks_yes_or_no(question)]
