"""A sweep for real: killed in its second trial, it goes on; its best is registered, judged, and not promoted."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import COMMAND, ecom_llm, environment, git
from tests.e2e.test_spine import champion_of
from tests.started import started

SPACE = {
    "trials": 3,
    "seed": 10,  # draws 70 steps with 2 heads, then 3 heads, which do not divide the width
    "space": {
        "train.max_steps": {"distribution": "int", "low": 40, "high": 80, "step": 10},
        "train.num_attention_heads": {"distribution": "categorical", "choices": [2, 3]},
    },
}
PROGRAM = """
import json, os, sys
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("ecom-llm-tiny").experiment_id
runs = client.search_runs([experiment])
version = client.get_model_version_by_alias("ecom-llm-tiny", "candidate")
print(json.dumps({
    "runs": [{"id": r.info.run_id, "status": r.info.status, "tags": r.data.tags, "params": r.data.params,
              "metrics": r.data.metrics, "files": [a.path for a in client.list_artifacts(r.info.run_id)]} for r in runs],
    "candidate": {"number": str(version.version), "run": version.run_id, "tags": version.tags},
}))
"""


def killed_in(folder: Path, words: list[str], sign: str) -> str:
    """Start a command, kill -9 it when a line holds the sign, and return what it had said."""
    said = ""
    until = time.monotonic() + 120
    with started([*COMMAND, *words], folder, environment()) as process:
        for line in process.stdout:
            said += line
            if sign in line:
                break
            assert time.monotonic() < until, said
        os.kill(process.pid, signal.SIGKILL)
    assert sign in said, said
    return said


def mlflow_of(folder: Path) -> dict:
    """Runs and candidate, as MLflow's own client knows them."""
    uri = f"sqlite:///{folder}/.state/mlflow/mlflow.db"
    python = shutil.which("python", path=environment()["PATH"])
    told = subprocess.run([python, "-c", PROGRAM, uri], capture_output=True, text=True, env=environment(), check=True)
    return json.loads(told.stdout)


@pytest.mark.long
def test_a_killed_sweep_goes_on_and_its_best_becomes_the_candidate(shop, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text(yaml.safe_dump(SPACE))
    words = ["sweep", "--space", str(space), "--no-promote"]
    champion, before = champion_of(shop), git(shop, "status", "--short")
    said = killed_in(shop, words, "'train, trial 1' - > python -m ecom_llm train")
    assert "'train, trial 0' - Stage 'train' is cached" in said, "the champion's own training is known"

    told = ecom_llm(shop, *words)
    assert "tried again: trial 1." in told.stderr
    assert "'train, trial 0'" not in told.stderr
    table = [line.split() for line in told.stdout.split("trial  ")[1].splitlines()]
    assert table[0] == ["train.max_steps", "train.num_attention_heads", "step", "validation", "loss", "time"]
    assert [line[:-3] for line in table[1:4]] == [
        ["0", "40", "2", "40"],
        ["1", "*", "70", "2", "70"],
        ["2", "50", "3", "-"],
    ]
    assert "Trial 2 failed: the trial with train.max_steps 50, train.num_attention_heads 3" in told.stdout
    assert "--set train.max_steps=70 --set train.num_attention_heads=2" in told.stdout

    known = mlflow_of(shop)
    [parent] = [run for run in known["runs"] if "sweep" in run["tags"]]
    trials = [run for run in known["runs"] if run["tags"].get("mlflow.parentRunId") == parent["id"]]
    ended = sorted((run["tags"]["trial"], run["status"]) for run in trials)
    assert ended == [("0", "FINISHED"), ("1", "FINISHED"), ("1", "KILLED"), ("2", "FAILED")]
    assert parent["status"] == "FINISHED"
    assert {"trials.csv", "sweep.yaml"} < set(parent["files"])
    [best] = [run for run in trials if run["id"] == parent["tags"]["best_trial_run_id"]]
    assert best["params"]["train.max_steps"] == "70"
    assert best["metrics"]["objective"] == best["metrics"]["eval_loss"] == parent["metrics"]["objective"]
    [first] = [run for run in trials if run["tags"]["trial"] == "0"]
    assert best["metrics"]["objective"] < first["metrics"]["objective"]

    candidate = known["candidate"]
    assert candidate["tags"]["sweep_run_id"] == parent["id"]
    assert candidate["tags"]["gate"] in ("approved", "refused")
    assert best["tags"]["model_version"] == candidate["number"]
    assert best["tags"]["registered_run_id"] == candidate["run"]
    assert champion_of(shop) == champion, "--no-promote"
    assert git(shop, "status", "--short") == before
    assert not list((shop / ".state" / "worktrees").glob("*/"))
