"""The spine, for real: Prefect, DVC, MLflow and training in whole clones, from records to a champion that writes."""

import csv
import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ecom_llm.records import Item
from ecom_llm.shards import read_records
from tests.e2e.conftest import clone, ecom_llm, environment, git

SECONDS = 6
"""What a run with nothing to do may take."""


def dvc(folder: Path, *words: str) -> str:
    told = subprocess.run(["dvc", *words], cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def model_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "models" / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_the_first_run_makes_a_champion_and_shows_it(shop):
    told = (shop / ".state" / "first-run.log").read_text()
    assert "Approved" in told
    assert "nearest_neighbour" in told
    [page] = (shop / ".state" / "pages").glob("ecom-llm-tiny-1.html")
    assert str(page) in told
    text = page.read_text(encoding="utf-8")
    assert "Approved" in text
    assert not any(word in text for word in ('src="http', "src='http", 'href="http', "@import"))


def test_the_checkout_is_left_up_to_date_and_otherwise_untouched(shop):
    assert "up to date" in dvc(shop, "status")
    assert git(shop, "status", "--short").split() == ["??", "dvc.lock"]
    assert not list((shop / ".state" / "worktrees").glob("*/"))


def test_a_second_run_does_nothing_says_so_and_is_quick(shop):
    before = ecom_llm(shop, "status").stdout
    began = time.monotonic()
    told = ecom_llm(shop, "run")
    took = time.monotonic() - began
    assert "Nothing changed" in told.stdout
    assert "champion" in told.stdout
    assert ecom_llm(shop, "status").stdout == before
    assert took < 3 * SECONDS, f"{took:.1f} s"  # thrice: the suite shares its cores; `make run` itself is timed alone


def test_dvc_repro_and_the_flow_lock_the_same_bytes(shop, tmp_path):
    """Two clones, two caches, two entries."""
    other = clone(tmp_path)
    dvc(other, "repro")
    assert (other / "dvc.lock").read_bytes() == (shop / "dvc.lock").read_bytes()
    assert model_hash(other) == model_hash(shop)

    told = ecom_llm(other, "run")
    assert "training " not in told.stderr, "a run after dvc repro has nothing to train"
    assert (other / "dvc.lock").read_bytes() == (shop / "dvc.lock").read_bytes()


def test_a_crippled_candidate_is_refused_and_the_champion_stays(shop):
    champion = champion_of(shop)
    told = ecom_llm(shop, "run", "--set", "train.max_steps=2")
    assert "Refused" in told.stdout
    assert "all/all bits_per_byte" in told.stdout
    assert champion_of(shop) == champion
    assert "up to date" in dvc(shop, "status"), "a run with values of its own leaves the checkout's results alone"


def test_a_changed_threshold_alone_decides_anew_without_training(shop):
    champion = champion_of(shop)
    told = ecom_llm(shop, "run", "--set", "promote.thresholds.0.threshold=0.001")
    assert "Refused" in told.stdout
    assert "must be at most 0.001" in told.stdout
    assert "training " not in told.stderr
    assert champion_of(shop) == champion


def test_the_champion_writes_in_both_languages(shop):
    english = ecom_llm(shop, "write", "describe", "--attr", "category=dress", "--attr", "colour=red", "--locale", "en")
    chinese = ecom_llm(shop, "write", "describe", "--attr", "类别=连衣裙", "--locale", "zh")
    review = ecom_llm(shop, "write", "review", "--attr", "category=dress", "--attr", "stars=5", "--locale", "en")
    assert english.stdout.strip()
    assert chinese.stdout.strip()
    assert review.stdout.startswith("[Simulated review]")


def test_the_champion_recommends_only_what_there_is_and_says_why(shop):
    """The registered model carries what it learned of purchases."""
    items = list(read_records(shop / "data" / "prepared" / "items", Item))
    for locale, name, why in (("en", "history", "Why: "), ("zh", "购买记录", "理由：")):
        known = [item.title for item in items if item.locale == locale]
        told = ecom_llm(shop, "write", "recommend", "--attr", f"{name}={known[0]}; no such thing", "--locale", locale)
        title, reason = told.stdout.splitlines()
        assert title in known
        assert reason.startswith(why)


def test_the_champion_can_be_fine_tuned_and_rolled_back(shop):
    first = champion_of(shop)
    folder = next(
        line.split()[-1] for line in ecom_llm(shop, "status").stdout.splitlines() if "model" in line and "/" in line
    )
    settings = [
        "train.init=checkpoint",
        f"train.base_model={folder}",
        "train.max_steps=20",
        "train.learning_rate=0.001",
    ]
    told = ecom_llm(shop, "run", *(word for setting in settings for word in ("--set", setting)))
    assert "Approved" in told.stdout, told.stdout
    second = champion_of(shop)
    assert second != first

    assert first in ecom_llm(shop, "rollback").stdout
    assert champion_of(shop) == first
    again = ecom_llm(shop, "rollback", check=False)
    assert again.returncode == 2
    assert "Traceback" not in again.stderr


@pytest.mark.parametrize("command", ["metrics show", "plots show", "params diff", "status"])
def test_dvc_s_own_commands_of_the_readme_work(shop, command):
    dvc(shop, *command.split())


def champion_of(folder: Path) -> str:
    """The number of the champion's version, as MLflow knows it."""
    program = (
        "import os, sys; os.environ['MLFLOW_DISABLE_TELEMETRY'] = 'true'; from mlflow import MlflowClient;"
        "print(MlflowClient(sys.argv[1]).get_model_version_by_alias('ecom-llm-tiny', 'champion').version)"
    )
    uri = f"sqlite:///{folder}/.state/mlflow/mlflow.db"
    python = shutil.which("python", path=environment()["PATH"])
    told = subprocess.run([python, "-c", program, uri], capture_output=True, text=True, env=environment(), check=True)
    return told.stdout.strip()


def test_the_champion_s_run_followed_its_training_and_holds_every_point_once(shop):
    program = (
        "import json, os, sys; os.environ['MLFLOW_DISABLE_TELEMETRY'] = 'true'; from mlflow import MlflowClient\n"
        "client = MlflowClient(sys.argv[1]); run = client.get_run(client.get_model_version('ecom-llm-tiny', '1').run_id)\n"
        "steps = lambda name: [point.step for point in client.get_metric_history(run.info.run_id, name)]\n"
        "print(json.dumps([run.info.status] + [steps(name) for name in ('loss', 'eval_loss', 'tokens_per_second')]))"
    )
    uri = f"sqlite:///{shop}/.state/mlflow/mlflow.db"
    python = shutil.which("python", path=environment()["PATH"])
    told = subprocess.run([python, "-c", program, uri], capture_output=True, text=True, env=environment(), check=True)
    status, losses, validations, rates = json.loads(told.stdout.splitlines()[-1])
    assert status == "FINISHED"
    with (shop / "reports" / "curve.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert losses == rates == [int(row["step"]) for row in rows if row["loss"]], "rates are told live alone"
    assert validations == [int(row["step"]) for row in rows if row["eval_loss"]]
    assert list((shop / ".state" / "curves").iterdir()) == []


@pytest.mark.parametrize("name", ["manifest.json", "metrics.json"])
def test_reports_are_json_that_dvc_shows(shop, name):
    assert json.loads((shop / "reports" / name).read_text())
    assert name in dvc(shop, "metrics", "show")
