"""Several trainings of one recipe, for real: a run that is killed in the second goes on, and there is one version."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import ecom_llm, environment, git
from tests.e2e.test_spine import champion_of
from tests.e2e.test_sweep import killed_in

pytestmark = pytest.mark.long

WORDS = ["run", "--no-promote", "--set", "train.max_steps=20", "--set", "train.seed=7"]
TWO = [*WORDS, "--set", "promote.trainings=2"]
PROGRAM = """
import json, os, sys
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("ecom-llm-tiny").experiment_id
versions = client.search_model_versions("name = 'ecom-llm-tiny'")
print(json.dumps({
    "versions": {str(v.version): {"run": v.run_id, "tags": v.tags} for v in versions},
    "runs": {r.info.run_id: {"status": r.info.status, "tags": r.data.tags} for r in client.search_runs([experiment])},
}))
"""


def known(folder: Path) -> dict:
    """Versions and runs, as MLflow's own client knows them."""
    uri = f"sqlite:///{folder}/.state/mlflow/mlflow.db"
    python = shutil.which("python", path=environment()["PATH"])
    told = subprocess.run([python, "-c", PROGRAM, uri], capture_output=True, text=True, env=environment(), check=True)
    return json.loads(told.stdout)


def test_trainings_by_other_seeds_belong_to_the_version_and_a_killed_run_goes_on_to_them(shop, tmp_path):
    champion, status, before = champion_of(shop), git(shop, "status", "--short"), known(shop)
    assert "seed 8" not in ecom_llm(shop, *WORDS).stderr, "one training is what params.yaml asks for"
    said = killed_in(shop, TWO, "'train, seed 8' - > python -m ecom_llm train")
    told = ecom_llm(shop, *TWO)
    for stage in ("train", "evaluate"):
        assert f"'{stage}' - > python" not in said + told.stderr, "the candidate itself is there"
    assert "'train, seed 8' - > python -m ecom_llm train" in told.stderr
    assert (
        "2 of the candidate's recipe, 1 of the champion's; no other of it was measured on this test set" in told.stdout
    )

    after = known(shop)
    (number,) = after["versions"].keys() - before["versions"].keys()
    made = after["versions"][number]
    assert made["tags"]["trainings"] == "8"
    below = [run for run in after["runs"].values() if run["tags"].get("mlflow.parentRunId") == made["run"]]
    assert [(run["tags"]["mlflow.runName"], run["status"]) for run in below] == [("seed 8", "FINISHED")]
    assert all("lock" not in run["tags"] for run in below)

    (kept,) = (shop / ".state" / "mlflow" / "artifacts").glob(f"*/{made['run']}/artifacts")
    own, other = (yaml.safe_load((kept / at / "params.yaml").read_text()) for at in (".", "trainings/8"))
    assert (own["train"].pop("seed"), other["train"].pop("seed")) == (7, 8)
    assert (own["promote"].pop("trainings"), other["promote"].pop("trainings")) == (1, 2), "asked for afterwards"
    assert own == other, "nothing but train.seed differs"
    outputs, others = (
        [json.loads(line) for line in (kept / at / "reports" / "outputs.jsonl").read_text().splitlines()]
        for at in (".", "trainings/8")
    )
    assert [one["id"] for one in outputs] == [one["id"] for one in others]
    assert [one["ratios"] for one in outputs] != [one["ratios"] for one in others], "another model wrote them"

    recipe = tmp_path / "three.yaml"
    recipe.write_text("promote: {trainings: 3}\n")
    asked = ecom_llm(shop, "promote", number, "--recipe", str(recipe), check=False)
    assert asked.returncode == 2
    assert f"version {number} has 2; " in asked.stdout
    assert "`ecom-llm run --set promote.trainings=3` trains the others" in asked.stdout
    assert champion_of(shop) == champion
    assert git(shop, "status", "--short") == status
    assert not list((shop / ".state" / "worktrees").glob("*/"))
