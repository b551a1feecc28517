"""The training examples, each as often as an epoch shows it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.records import Example
from ecom_llm.shards import read_records


def times(name: str, weight: float, seed: int) -> int:
    """How often an epoch shows an example; what is left of its weight below the next whole number is drawn by its id.

    A weight of 2.5 shows every example twice and one half of them a third time, the same half in every run.
    """
    rest = weight % 1
    return int(weight) + (rest > 0 and random.Random(f"{seed}\n{name}").random() < rest)


@dataclass(frozen=True)
class Shown:
    """The training examples, each as often as an epoch shows it, read anew from their shards whenever they are gone through."""

    folder: Path
    seed: int

    def __iter__(self) -> Iterator[Example]:
        for example in read_records(self.folder, Example):
            for _ in range(times(example.id, example.weight, self.seed)):
                yield example
