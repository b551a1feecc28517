"""The stage runner: an edit made while a stage runs is refused, before DVC can lock a lie."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).parents[2]
STAGE = """
import time
from pathlib import Path

def run(params, layout):
    Path("started").touch()
    while not Path("go").exists():
        time.sleep(0.01)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the package in which `collect` waits until it is told to go on."""
    shutil.copytree(REPO / "ecom_llm", tmp_path / "ecom_llm", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "params.yaml", tmp_path)
    (tmp_path / "ecom_llm" / "collect" / "stage.py").write_text(STAGE)
    return tmp_path


def run_while(project: Path, edit) -> subprocess.CompletedProcess:
    """Start the stage, edit while it runs, let it end."""
    command = [sys.executable, "-m", "ecom_llm", "collect"]
    child = subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True)
    while not (project / "started").exists():
        assert child.poll() is None, child.stderr.read()
    edit()
    (project / "go").touch()
    error = child.communicate(timeout=60)[1]
    return subprocess.CompletedProcess(command, child.returncode, "", error)


def test_an_untouched_run_succeeds(project):
    assert run_while(project, lambda: None).returncode == 0


def test_code_of_the_stage_edited_meanwhile_is_refused(project):
    path = project / "ecom_llm" / "collect" / "stage.py"
    told = run_while(project, lambda: path.write_text(STAGE + "# later\n"))
    assert told.returncode == 2
    assert "changed while the stage ran: ecom_llm/collect/stage.py" in told.stderr
    assert "Traceback" not in told.stderr


def test_params_of_the_stage_edited_meanwhile_are_refused(project):
    values = yaml.safe_load((project / "params.yaml").read_text())
    values["collect"]["seed"] += 1
    told = run_while(project, lambda: (project / "params.yaml").write_text(yaml.safe_dump(values)))
    assert (told.returncode, "params.yaml (collect)" in told.stderr) == (2, True)


def test_what_the_stage_does_not_use_may_be_edited(project):
    path = project / "ecom_llm" / "train" / "trainer.py"
    values = yaml.safe_load((project / "params.yaml").read_text())
    values["train"]["seed"] += 1

    def edit():
        path.write_text(path.read_text() + "# later\n")
        (project / "params.yaml").write_text(yaml.safe_dump(values))

    assert run_while(project, edit).returncode == 0


@pytest.mark.parametrize("arguments", [[], ["cook"], ["collect", "prepare"]])
def test_unknown_stages_are_refused(arguments, capsys):
    assert importlib.import_module("ecom_llm.__main__").main(arguments) == 2
    assert "usage: python -m ecom_llm {collect|prepare|train|evaluate}" in capsys.readouterr().err


def test_a_wrong_parameter_ends_in_one_sentence(project):
    (project / "params.yaml").write_text(
        (project / "params.yaml").read_text().replace("products: 2500", "products: many")
    )
    told = subprocess.run([sys.executable, "-m", "ecom_llm", "collect"], cwd=project, capture_output=True, text=True)
    assert told.returncode == 2
    assert told.stderr.startswith("error: ")
    assert "collect.products: Input should be a valid integer" in told.stderr
    assert "Traceback" not in told.stderr
