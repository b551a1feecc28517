"""The journal: whatever is edited, removed or reordered is found, and a crash in the middle of a line harms nothing."""

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.registry.journal import BEGINNING, Entry, Journal, digest


def journal_of(folder: Path, count: int = 6) -> Journal:
    journal = Journal(folder / "journal" / "shop.jsonl")
    with journal.held():
        for number in range(1, count + 1):
            journal.append("promoted" if number % 2 else "decided", str(number), gate="approved", note="价格 ✓")
    return journal


def test_entries_are_chained_and_the_last_promoted_is_champion(tmp_path):
    chain = journal_of(tmp_path).read()
    assert [entry.sequence for entry in chain.entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.previous for entry in chain.entries] == [BEGINNING, *(entry.hash for entry in chain.entries[:-1])]
    assert (chain.faults, chain.notes, chain.champion) == ((), (), "5")
    assert chain.missing(chain.head) == [] and chain.missing("") == []


def test_a_journal_without_entries_is_whole(tmp_path):
    chain = Journal(tmp_path / "none.jsonl").read()
    assert (chain.entries, chain.faults, chain.champion, chain.head) == ((), (), None, "")


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_byte_that_is_changed_is_found(tmp_path_factory, data):
    journal = journal_of(tmp_path_factory.mktemp("journal"))
    whole, text = journal.read(), bytearray(journal.file.read_bytes())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != text[place]))
    journal.file.write_bytes(bytes(text))
    chain = journal.read()
    assert chain.faults or chain.missing(whole.head), (place, text[place])


@pytest.mark.parametrize("gone", range(6))
def test_a_removed_entry_is_found(tmp_path, gone):
    journal = journal_of(tmp_path)
    head, lines = journal.read().head, journal.file.read_text().splitlines(keepends=True)
    journal.file.write_text("".join(lines[:gone] + lines[gone + 1 :]))
    chain = journal.read()
    said = [*chain.faults, *chain.missing(head)]
    assert len(said) == 1 and f"{gone + 1} to {gone + 1} are missing" in said[0]


def test_reordered_and_replaced_entries_are_found(tmp_path):
    journal = journal_of(tmp_path)
    head, lines = journal.read().head, journal.file.read_text().splitlines(keepends=True)
    journal.file.write_text("".join([*lines[:2], lines[3], lines[2], *lines[4:]]))
    assert "missing before entry 4" in journal.read().faults[0]
    forged = json.loads(lines[5]) | {"version": "9"}
    forged["hash"] = digest(forged)
    journal.file.write_text("".join(lines[:5]) + Entry.model_validate(forged).model_dump_json() + "\n")
    chain = journal.read()
    assert chain.faults == ()
    assert chain.missing(head) == ["entry 6 is not the one MLflow has seen: it was replaced"]


def test_a_line_that_a_crash_cut_off_is_told_and_the_next_entry_stands(tmp_path):
    journal = journal_of(tmp_path, 3)
    with journal.file.open("a") as handle:
        handle.write('{"sequence":4,"time":"2026-')
    assert "3: was cut" not in "".join(journal.read().notes)
    with journal.held():
        journal.append("rolled back", "2")
    chain = journal.read()
    assert [entry.sequence for entry in chain.entries] == [1, 2, 3, 4]
    assert chain.faults == () and len(chain.notes) == 1 and ":4: was cut off" in chain.notes[0]
    assert chain.champion == "2"


def write_many(folder: str, number: int) -> None:
    journal = Journal(Path(folder) / "journal" / "shop.jsonl")
    for _ in range(25):
        with journal.held():
            journal.append("decided", str(number))


def test_many_that_write_at_once_make_one_chain(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=write_many, args=(str(tmp_path), number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    chain = Journal(tmp_path / "journal" / "shop.jsonl").read()
    assert (len(chain.entries), chain.faults, chain.notes) == (100, (), ())


def test_what_a_later_version_of_this_program_writes_is_chained_and_means_nothing(tmp_path):
    journal = Journal(tmp_path / "shop.jsonl")
    with journal.held():
        journal.append("promoted", "1")
        journal.append("blessed", "1", by="somebody")
        journal.append("registered", "2")
    chain = journal.read()
    assert [one.event for one in chain.entries] == ["promoted", "blessed", "registered"]
    assert (chain.faults, chain.notes, chain.champion) == ((), (), "1")
