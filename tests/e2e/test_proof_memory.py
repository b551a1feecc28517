"""The proof of `make proof-memory` on little data, and that it would see memory which grows with the text."""

import pytest

from proofs import memory


def test_the_proof_runs_on_few_reviews(capsys):
    assert memory.main(6, 1) == 0
    said = capsys.readouterr().out
    assert "prepare" in said and "PROOF memory tried=2 failed=0" in said


def test_a_stage_that_keeps_its_texts_is_seen(monkeypatch, capsys):
    """A thousand bytes of a text for each row more."""
    texts = {"collect": 0, "prepare": 1000}

    def keeping(target, seed):
        rows = target // 1000
        return {stage: memory.Peak(rows, memory.NOISE + each * rows, 1.0) for stage, each in texts.items()}

    monkeypatch.setattr(memory, "peaks", keeping)
    assert memory.main(1000, 1) == 1
    said = capsys.readouterr().out
    assert "GROWTH collect 0 bytes" in said and "PROOF memory tried=2 failed=1" in said


def test_a_stage_that_fails_is_no_result(tmp_path):
    with pytest.raises(RuntimeError, match=r"collect ended with 2.*params\.yaml"):
        memory.peak_of("collect", tmp_path, 1)
