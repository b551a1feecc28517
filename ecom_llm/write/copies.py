"""Which words stood together in training: by this a text that copies is known where training's texts are not at hand.

What scores copies, `evaluate.metrics.copying`, reads training's texts themselves and is not used here: a text is not to be
chosen by what judges it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ecom_llm.records import UserError
from ecom_llm.skills.slots import UNSPACED

FILE = "copies.safetensors"
"""Within a model's folder."""
PIECE = re.compile(rf"{UNSPACED.pattern}|(?:(?!{UNSPACED.pattern})\w)+")
"""A word, or a character of a script that writes no spaces."""


def stretches(text: str, length: int) -> set[int]:
    """64-bit hashes of every so many words in a row, casefolded, without marks."""
    words = PIECE.findall(text.casefold())
    runs = (" ".join(words[start : start + length]) for start in range(len(words) - length + 1))
    return {int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "big") for run in runs}


@dataclass(frozen=True)
class Copies:
    """What training's texts hold, and how much of it another text may."""

    longest: int
    """Words that a text may have in a row as a text of training has them."""
    known: np.ndarray
    """uint64, sorted: the hashes of one word more."""

    def holds(self, text: str) -> bool:
        """Whether a text copies more than it may; of 10^7 training words and 10^4 others one is mistaken in 10^8 times."""
        asked = np.fromiter(stretches(text, self.longest + 1), np.uint64)
        place = np.minimum(np.searchsorted(self.known, asked), max(0, len(self.known) - 1))
        return bool(len(self.known) and (self.known[place] == asked).any())


def learned_copies(texts: Iterable[str], longest: int) -> Copies:
    """What these texts hold: 8 bytes for each of their words, at most."""
    found = chain.from_iterable(stretches(text, longest + 1) for text in texts)
    return Copies(longest, np.unique(np.fromiter(found, np.uint64)))


def save(copies: Copies, folder: Path) -> None:
    """Write it into a model's folder; equal ones are equal bytes."""
    save_file({"known": copies.known, "longest": np.array([copies.longest])}, folder / FILE)


def load(folder: Path) -> Copies | None:
    """What lies in a model's folder; None where nothing does.

    Raises:
        UserError: it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        held = load_file(path)
        return Copies(int(held["longest"][0]), held["known"])
    except (OSError, KeyError, IndexError, SafetensorError) as error:
        fault = " ".join(f"{type(error).__name__} {error}".split())
        raise UserError(f"{path}: cannot be read ({fault}). Train the model again.") from error
