"""Killed at any moment: the proof of `make proof-resume` for two kills, and the moments that a random kill rarely meets."""

import os
import random
import shutil
from pathlib import Path

import pytest

from ecom_llm.params import load_params
from ecom_llm.train import stage
from ecom_llm.train.checkpoints import checkpoint_folder, last_checkpoint
from proofs import resume

SEED = 10
"""One with which the worker is killed in the middle of its training."""


class Stopped(BaseException):
    """Stands for a kill at a certain line."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> dict[str, str]:
    """What a training leaves that nobody stops."""
    layout = resume.workspace(tmp_path_factory.mktemp("reference"))
    stage.run(load_params(layout.params), layout)
    return resume.result(layout)


def stopped_at(layout, monkeypatch, name: str) -> None:
    """Train until the stage calls the function of that name."""

    def stop(*arguments: object) -> None:
        raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr(stage, name, stop)
        with pytest.raises(Stopped):
            stage.run(load_params(layout.params), layout)


def test_two_kills_and_the_result_is_that_of_none(tmp_path, reference, monkeypatch):
    monkeypatch.setattr(resume, "AIMS", ("step", "checkpoint"))
    kills = resume.killed_training(resume.workspace(tmp_path), reference, 2, random.Random(4))
    assert len(kills) == 2
    assert not [fault for kill in kills for fault in kill.faults]
    assert kills[-1].resumed_at > 0


@pytest.mark.processes
def test_one_of_two_processes_is_killed_and_the_result_is_that_of_none(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "MAX_STEPS", 40)
    whole, killed = (resume.workspace(tmp_path / name, processes=2) for name in ("whole", "killed"))
    stage.run(load_params(whole.params), whole)
    (kill,) = resume.killed_training(killed, resume.result(whole), 1, random.Random(SEED), ("worker",))
    assert not kill.faults
    assert kill.resumed_at > 0


@pytest.mark.parametrize("moment", ["save", "write_curve"])
def test_a_training_killed_after_its_last_step_learns_nothing_more(tmp_path, reference, monkeypatch, moment):
    """Trainer takes one more step when it resumes where it had ended."""
    layout = resume.workspace(tmp_path)
    stopped_at(layout, monkeypatch, moment)
    stage.run(load_params(layout.params), layout)
    assert resume.result(layout) == reference


def last_two(layout) -> tuple[Path, Path]:
    before, last = sorted(layout.checkpoints.glob("*/checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    return before, last


def test_a_checkpoint_cut_short_anywhere_is_never_resumed_from(tmp_path, monkeypatch):
    layout = resume.workspace(tmp_path)
    stopped_at(layout, monkeypatch, "save")
    before, last = last_two(layout)
    written = sorted(last.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert [path.name for path in written][-1] == "trainer_state.json"
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"} < {path.name for path in written}
    for number, path in enumerate(written):
        for size in {0, path.stat().st_size // 2, path.stat().st_size - 2}:
            copy = tmp_path / "copy" / f"{number}-{size}"
            for whole in (before, last):
                shutil.copytree(whole, copy / whole.name)
            os.truncate(copy / last.name / path.name, max(size, 0))
            for later in written[number + 1 :]:
                (copy / last.name / later.name).unlink()
            assert last_checkpoint(copy) == copy / before.name, f"{path.name} cut to {size} bytes"
            assert not (copy / last.name).exists()


def test_what_a_kill_left_half_removed_is_removed(tmp_path, monkeypatch):
    """Rotation deletes the oldest checkpoint file by file; by its time it would then be the newest but one."""
    layout = resume.workspace(tmp_path)
    stopped_at(layout, monkeypatch, "save")
    best, last = last_two(layout)
    older = best.with_name("checkpoint-5")
    shutil.copytree(best, older)
    (older / "optimizer.pt").unlink()
    assert last_checkpoint(last.parent) == last
    assert best.exists() and not older.exists()


def test_checkpoints_of_a_finished_training_go_at_once(tmp_path, monkeypatch):
    """A kill amid their removal would leave a folder that looks whole, without the optimizer's state."""

    def stop(folder: Path, **kwargs: object) -> None:
        assert folder.name != "key"
        raise Stopped

    with pytest.raises(Stopped), checkpoint_folder(tmp_path, "key") as folder:
        (folder / "checkpoint-1").mkdir()
        monkeypatch.setattr(shutil, "rmtree", stop)
    monkeypatch.undo()
    assert not (tmp_path / "key").exists()
    with pytest.raises(Stopped), checkpoint_folder(tmp_path, "key"):
        assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["key"]
        raise Stopped
