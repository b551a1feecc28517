"""Encoded examples outside Python's memory: Arrow batches, mapped from a file that is written once per data and tokenizer."""

import fcntl
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import tokenizers
import transformers
from transformers import PreTrainedTokenizerBase

from ecom_llm.records import Example
from ecom_llm.shards import BATCH
from ecom_llm.train.checkpoints import digest
from ecom_llm.write.encode import Encoded, encode, encode_targets

logger = logging.getLogger(__name__)
TOKENS = pa.list_(pa.int32())
SCHEMA = pa.schema([("id", pa.string()), ("weight", pa.float64()), ("prompt", TOKENS), ("completion", TOKENS)])
KEPT = 4
"""Files of encoded texts that stay: the last ones used."""


class Lists(NamedTuple):
    """A column of lists of token ids, as views of the batch's own memory."""

    offsets: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, column: pa.ListArray) -> "Lists":
        return cls(column.offsets.to_numpy(), column.values.to_numpy())

    def row(self, row: int) -> list[int]:
        return self.values[self.offsets[row] : self.offsets[row + 1]].tolist()


class EncodedTexts(Sequence[Encoded]):
    """Encoded examples of Arrow batches, of which `chosen` are shown, in that order; a place may be chosen twice.

    A text costs 16 bytes of memory, whatever its length: its place and its two lengths. Its token ids are where the batches
    are, which in a mapped file is the page cache.
    """

    def __init__(self, batches: Sequence[pa.RecordBatch], chosen: np.ndarray | None = None) -> None:
        self.batches = batches
        self.starts = np.cumsum([0, *map(len, batches)])
        self.prompts = [Lists.of(batch["prompt"]) for batch in batches]
        self.completions = [Lists.of(batch["completion"]) for batch in batches]
        self.chosen = np.arange(self.starts[-1]) if chosen is None else chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Encoded:
        place = self.chosen[index]
        number = int(np.searchsorted(self.starts, place, side="right")) - 1
        row = int(place - self.starts[number])
        return Encoded(self.prompts[number].row(row), self.completions[number].row(row))

    def taking(self, chosen: np.ndarray) -> "EncodedTexts":
        """The same texts with others of them shown."""
        return EncodedTexts(self.batches, chosen)

    def lengths(self, *columns: Literal["prompt", "completion"]) -> np.ndarray:
        """Tokens of each shown text in these columns together, (texts,) of int32."""
        found = np.zeros(self.starts[-1], np.int32)
        for name in columns:
            lists = self.prompts if name == "prompt" else self.completions
            found += np.concatenate([np.diff(one.offsets) for one in lists] or [found])
        return found[self.chosen]

    def weights(self) -> Iterator[tuple[str, float]]:
        """Id and weight of every text of the batches, shown or not, in their order."""
        for batch in self.batches:
            yield from zip(batch["id"].to_pylist(), batch["weight"].to_pylist(), strict=True)

    def named(self) -> Iterator[tuple[str, Encoded]]:
        """Id and tokens of each shown text."""
        for place, one in zip(self.chosen, self, strict=True):
            number = int(np.searchsorted(self.starts, place, side="right")) - 1
            yield self.batches[number]["id"][int(place - self.starts[number])].as_py(), one


def encoded_batches(
    examples: Iterable[Example], tokenizer: PreTrainedTokenizerBase, objective: Literal["causal", "masked"]
) -> Iterator[pa.RecordBatch]:
    """Tokenise examples, some thousands at a time; what a masked model reads has no prompt."""
    waiting, encoder = iter(examples), encode_targets if objective == "masked" else partial(encode, learned=True)
    while some := list(islice(waiting, BATCH)):
        encoded = encoder(some, tokenizer)
        columns = [[one.id for one in some], [one.weight for one in some]]
        columns += [[one.prompt for one in encoded], [one.completion for one in encoded]]
        yield pa.record_batch([pa.array(*pair) for pair in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA)


def encoding_key(inputs: Sequence[Path], tokenizer: PreTrainedTokenizerBase, objective: str) -> str:
    """The same key means the same token ids: from the same examples and code (`inputs`), tokenizer and objective."""
    with TemporaryDirectory(prefix="ecom-llm-tokenizer-") as name:
        saved = Path(name) / "tokenizer"
        tokenizer.save_pretrained(saved)
        told = (objective, transformers.__version__, tokenizers.__version__, digest([*inputs, saved]))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def mapped(path: Path) -> list[pa.RecordBatch] | None:
    """The batches of a file, mapped; None where there is none, or one that is damaged or cut short."""
    try:
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        return [file.get_batch(number) for number in range(file.num_record_batches)]
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as error:
        logger.warning("%s: cannot be read (%s); its texts are encoded again", path, " ".join(str(error).split()))
        return None


def write_whole(path: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """Write a file beside its place, then rename: it is whole or absent, whenever the process or the machine dies."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as handle:
        with pa.ipc.new_file(handle, SCHEMA) as writer:
            for batch in batches:
                writer.write_batch(batch)
        handle.flush()
        os.fsync(handle.fileno())
    partial.rename(path)


def kept(root: Path, key: str, batches: Iterable[pa.RecordBatch]) -> EncodedTexts:
    """The texts of `batches`, from the file of `key` in `root`; read and written there once, by one process.

    The others wait for it: those of one training, and trials of a sweep on the same data. A file that is removed as the
    oldest stays readable for whoever has it mapped.

    Raises:
        OSError: no space, or no right to write.
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / f"{key}.arrow"
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = mapped(path)
        if found is None:
            for left in root.glob("*.partial"):
                left.unlink()
            write_whole(path, batches)
            found = mapped(path)
        os.utime(path)
        for old in sorted(root.glob("*.arrow"), key=lambda one: one.stat().st_mtime_ns)[:-KEPT]:
            old.unlink()
    if found is None:
        raise OSError(f"{path}: was written and cannot be read")
    return EncodedTexts(found)
