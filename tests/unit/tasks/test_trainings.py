"""Trainings by other seeds, over stages that only copy: which are made, what may differ, and what refuses."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.records import UserError
from ecom_llm.registry import Version
from tasks import trainings
from tasks.reproduce import run_stage
from tasks.workspace import open_workspace

TRAIN = """
import pathlib, yaml
params = yaml.safe_load(open("params.yaml"))
seed = params["train"]["seed"]
if seed == 9:
    raise SystemExit("error: seed 9 diverges")
pathlib.Path("models/model").mkdir(parents=True)
pathlib.Path("models/model/weights").write_text(f"{pathlib.Path('data/prepared/rows').read_text().strip()} {seed}")
"""
STAGES = {
    "prepare": {
        "cmd": "mkdir -p data/prepared && cp outside/rows data/prepared/rows",
        "params": ["prepare"],
        "deps": ["${collect.location}/rows"],
        "outs": ["data/prepared"],
    },
    "train": {
        "cmd": "python train.py",
        "params": ["train"],
        "deps": ["data/prepared"],
        "outs": ["models/model"],
    },
    "evaluate": {
        "cmd": "mkdir -p reports && cp models/model/weights reports/outputs.jsonl",
        "params": ["evaluate"],
        "deps": ["data/prepared", "models/model"],
        "outs": ["reports/outputs.jsonl"],
    },
}


@dataclass
class Kept:
    """A registry that keeps trainings in memory."""

    outputs: dict[int, str] = field(default_factory=dict)
    params: dict[int, Params] = field(default_factory=dict)

    def keep_training(self, version: Version, seed: int, layout: Layout) -> Version:
        self.outputs[seed] = layout.outputs.read_text()
        self.params[seed] = load_params(layout.params)
        return version.model_copy(update={"tags": {"trainings": " ".join(str(one) for one in sorted(self.outputs))}})


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Data that no snapshot holds."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "rows").write_text("one\n")
    return folder


@pytest.fixture
def kept(project: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The project with those stages; its own stage commands run, and Prefect is left out."""
    stages = yaml.safe_dump({"stages": STAGES}).replace("cp outside/", f"cp {outside}/")
    (project / "dvc.yaml").write_text(stages)
    (project / "train.py").write_text(TRAIN)
    (project / ".gitignore").write_text("/.state/\n/reports/\n/data/prepared/\n/models/model/\n")
    found = Kept()
    monkeypatch.setattr(trainings, "open_registry", lambda name, layout: found)
    monkeypatch.setattr(trainings, "reproduce", Plain())
    return found


class Plain:
    """The task without Prefect."""

    def with_options(self, task_run_name: str) -> "Plain":
        return self

    def __call__(self, stage: str, workspace: trainings.Workspace) -> None:
        run_stage(stage, workspace, lambda text: None)


def asked(project: Path, outside: Path, seed: int, count: int) -> Params:
    params = load_params(project / "params.yaml")
    return params.model_copy(
        update={
            "collect": params.collect.model_copy(update={"location": str(outside)}),
            "train": params.train.model_copy(update={"seed": seed}),
            "promote": params.promote.model_copy(update={"trainings": count}),
        }
    )


def version(kept: str = "") -> Version:
    return Version(model_name="shop", number="1", run_id="r", tags={"trainings": kept})


def test_the_seeds_that_follow_are_trained_and_nothing_else_differs(project: Path, outside: Path, kept: Kept) -> None:
    params = asked(project, outside, seed=5, count=3)
    with open_workspace(params, project) as workspace:
        run_stage("evaluate", workspace, lambda text: None)
        made = trainings.train_by_other_seeds(version(), workspace)
        assert workspace.layout.outputs.read_text() == "one 5", "the candidate's own results stay"
        beside = [path.name for path in workspace.path.parent.iterdir() if path.is_dir()]
        assert trainings.train_by_other_seeds(made, workspace) is made, "what is kept is not made again"
    assert made.seeds == (6, 7)
    assert kept.outputs == {6: "one 6", 7: "one 7"}
    for seed, found in kept.params.items():
        assert found.train.seed == seed
        assert trainings.with_seed(found, 5) == params, "another parameter differs too"
    assert beside == [workspace.path.name]


def test_one_training_asks_for_no_other(project: Path, outside: Path, kept: Kept) -> None:
    assert list(trainings.other_seeds(asked(project, outside, seed=5, count=1))) == []


def test_a_training_that_fails_names_its_seed(project: Path, outside: Path, kept: Kept) -> None:
    with open_workspace(asked(project, outside, seed=7, count=3), project) as workspace:
        run_stage("evaluate", workspace, lambda text: None)
        with pytest.raises(UserError, match=r"^train.seed=9, which promote.trainings asks for .*: seed 9 diverges"):
            trainings.train_by_other_seeds(version(), workspace)
    assert kept.outputs == {8: "one 8"}, "what ended before it is kept"


def test_data_that_changed_meanwhile_refuses(project: Path, outside: Path, kept: Kept) -> None:
    with open_workspace(asked(project, outside, seed=5, count=2), project) as workspace:
        run_stage("evaluate", workspace, lambda text: None)
        (outside / "rows").write_text("two\n")
        with pytest.raises(UserError, match=r"^train.seed=6: its training rests on other data"):
            trainings.train_by_other_seeds(version(), workspace)
    assert kept.outputs == {}
