"""Texts that may have a near-copy, put aside on disk in portions that are compared one at a time.

A portion holds whole groups of texts that share buckets, so it needs no other portion; how many texts there are in all
does not matter to the memory, only how many hang together.
"""

from collections.abc import Iterator
from io import BufferedReader
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ecom_llm.prepare.near.buckets import Groups
from ecom_llm.prepare.near.shingles import Sets, joined

TEXTS = 25_000
"""Texts compared at a time, twice that at most, if no single group is larger: at 100 shingles each a few hundred megabytes."""
SCHEMA = pa.schema([("key", pa.int64()), ("shingles", pa.large_list(pa.uint64()))])


class Contenders(NamedTuple):
    """Texts that may have a near-copy, by their keys."""

    keys: np.ndarray
    """int64 (texts)."""
    shingles: Sets

    def chosen(self, rows: np.ndarray) -> "Contenders":
        """Those rows, in that order."""
        return Contenders(self.keys[rows], self.shingles.gather(rows))


def together(parts: list[Contenders]) -> Contenders:
    """The texts of all parts, one below the other."""
    keys = np.concatenate([np.empty(0, np.int64), *(part.keys for part in parts)])
    return Contenders(keys, joined([part.shingles for part in parts]))


class Portions:
    """The portions of one corpus, in a folder of their own."""

    def __init__(self, folder: Path, groups: Groups) -> None:
        folder.mkdir(parents=True)
        self.folder, self.groups = folder, groups
        first_keys, sizes = np.unique(groups.firsts, return_counts=True)
        self.first_keys, self.ends = first_keys, np.concatenate([[0], np.cumsum(sizes)])
        self.rows: dict[int, int] = {}

    def numbers(self, keys: np.ndarray) -> np.ndarray:
        """The portion of each key: texts are counted off by key, a group where its first key stands.

        A function of keys and groups alone, so it does not rest on the order in which texts come by.
        """
        firsts = self.groups.firsts_of(keys)
        return (firsts + self.ends[np.searchsorted(self.first_keys, firsts)]) // TEXTS

    def add(self, texts: Contenders) -> None:
        """Put texts aside."""
        numbers = self.numbers(texts.keys)
        for number in np.unique(numbers).tolist():
            some = texts.chosen(np.flatnonzero(numbers == number))
            self.rows[number] = self.rows.get(number, 0) + len(some.keys)
            lists = pa.LargeListArray.from_arrays(some.shingles.offsets, some.shingles.ids)
            table = pa.table([some.keys, lists], schema=SCHEMA)
            with self.file(number).open("ab") as file, pa.ipc.new_stream(file, SCHEMA) as stream:
                stream.write_table(table)

    def file(self, number: int) -> Path:
        return self.folder / f"portion-{number:06d}.arrows"

    def __iter__(self) -> Iterator[Contenders]:
        """Yield portions in the order of their keys; several with few texts as one."""
        held = np.cumsum([0, *(self.rows[number] for number in sorted(self.rows))])
        for _, some in groupby(zip(sorted(self.rows), held[:-1] // TEXTS, strict=True), key=lambda pair: pair[1]):
            yield together([part for number, _ in some for part in self.read(number)])

    def read(self, number: int) -> Iterator[Contenders]:
        """Yield what was added to a portion, a batch at a time."""
        with self.file(number).open("rb") as file:
            for table in streams(file):
                lists = table.column("shingles").combine_chunks()
                keys = table.column("key").to_numpy()
                yield Contenders(keys, Sets(lists.offsets.to_numpy(), lists.values.to_numpy()))


def streams(file: BufferedReader) -> Iterator[pa.Table]:
    """Yield the table of each Arrow stream in a file to which several were appended."""
    while file.peek(1):
        yield pa.ipc.open_stream(file).read_all()
