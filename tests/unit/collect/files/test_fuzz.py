"""The fuzzer of `proofs/readers.py`, for a few seconds; and a proof that it would notice."""

import os

from proofs import readers
from proofs.reader_attacks import ATTACKS
from proofs.reader_case import Case

SLOW = {"bombs", "huge JSON", "50 MB line"}


def test_spoilt_files_come_to_a_clear_end(monkeypatch):
    monkeypatch.setattr(readers, "ATTACKS", {name: attack for name, attack in ATTACKS.items() if name not in SLOW})
    outcomes = list(readers.prove(150, seed=20261122))
    assert [outcome.failure for outcome in outcomes if outcome.failure] == []
    assert len(outcomes) == 150
    assert {outcome.attack for outcome in outcomes} == set(ATTACKS) - SLOW
    assert sum(outcome.rows for outcome in outcomes) > 1000


def test_the_fuzzer_notices_what_is_wrong(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,a\n2\n")
    monkeypatch.setattr(readers, "MEMORY", 1 << 40)  # the process that tests has held far more than a reader may
    assert readers.attempt("x", 0, Case(path, "read", 2, 1)).failure == ""
    assert "1 Faults, expected 0" in readers.attempt("x", 0, Case(path, "read", 2, 0)).failure
    assert "expected 3 together" in readers.attempt("x", 0, Case(path, "read", 3)).failure
    assert "expected a UserError" in readers.attempt("x", 0, Case(path, "refuse")).failure
    assert "was refused" in readers.attempt("x", 0, Case(tmp_path / "none.csv", "read")).failure
    monkeypatch.setattr(readers, "read_rows", lambda path: 1 / 0)
    assert "ZeroDivisionError" in readers.attempt("x", 0, Case(path)).failure
    monkeypatch.setattr(readers, "MEMORY", 1)
    monkeypatch.setattr(readers, "read", lambda path: (False, 0, 0))
    assert "MiB" in readers.attempt("x", 0, Case(path)).failure


def test_a_process_that_dies_or_hangs_is_a_failure(monkeypatch):
    monkeypatch.setattr(readers, "HANG", 2)
    with readers.server() as process:
        process.kill()
        process.wait()
        assert "the process ended with -9" in readers.asked(process, "well", 0, 1).failure
    silent, writer = os.pipe()
    with readers.server() as process, os.fdopen(silent) as never:
        process.stdout.close()
        process.stdout = never
        assert "no end within 2 s" in readers.asked(process, "well", 0, 1).failure
    os.close(writer)
