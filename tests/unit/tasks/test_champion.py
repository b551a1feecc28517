"""A champion from other data is measured on the candidate's test set, beside the candidate's workspace."""

from contextlib import contextmanager

import yaml

from ecom_llm.evaluate.evidence import Evidence, read_evidence
from ecom_llm.params import load_params
from ecom_llm.promote.gate import Entrant
from tasks import champion as champions
from tasks.champion import CandidateRun, measured_anew
from tasks.reproduce import run_stage
from tasks.workspace import open_workspace

EVALUATE = """
import json, pathlib
rows, weights = (pathlib.Path(name).read_text() for name in ("data/prepared/rows", "models/model/weights"))
pathlib.Path("reports").mkdir(exist_ok=True)
metrics = {"all": {"all": {"bleu": float(weights)}}}
evidence = {"test_set": rows.strip(), "tokenizer": "t", "examples": 1, "metrics": metrics, "baselines": {}}
pathlib.Path("reports/metrics.json").write_text(json.dumps(evidence))
pathlib.Path("reports/outputs.jsonl").write_text("")
"""
STAGES = {
    "prepare": {
        "cmd": "mkdir -p data/prepared && cp code.txt data/prepared/rows",
        "deps": ["code.txt"],
        "outs": ["data/prepared"],
    },
    "train": {
        "cmd": "mkdir -p models/model && echo 2.5 > models/model/weights",
        "deps": ["data/prepared"],
        "outs": ["models/model"],
    },
    "evaluate": {
        "cmd": "python evaluate.py",
        "deps": ["data/prepared", "models/model"],
        "outs": ["reports/metrics.json", "reports/outputs.jsonl"],
    },
}


def test_the_champion_meets_the_candidate_s_test_set(project, tmp_path, monkeypatch):
    turns = []

    @contextmanager
    def turn(stage, layout):
        turns.append((stage, layout.metrics.exists()))
        yield
        turns.append((stage, layout.metrics.exists()))

    monkeypatch.setattr(champions, "turn_on_gpu", turn)
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
    (project / "evaluate.py").write_text(EVALUATE)
    (project / ".gitignore").write_text("/.state/\n/reports/\n/data/prepared/\n/models/model/\n")
    champion = tmp_path / "champion"
    champion.mkdir()
    (champion / "weights").write_text("7.5\n")
    old = Evidence(test_set="old", tokenizer="t", examples=1, metrics={}, baselines={})
    with open_workspace(load_params(project / "params.yaml"), project) as workspace:
        run_stage("evaluate", workspace, lambda text: None)
        run = CandidateRun(workspace.path, workspace.commit, workspace.layout)
        anew = measured_anew(Entrant("shop", "1", old, [], rolled_back=True), champion, run)
        own = read_evidence(workspace.layout.metrics)
        beside = [path.name for path in workspace.path.parent.iterdir() if path.is_dir()]
    assert anew.evidence.test_set == own.test_set == "one"
    assert anew.evidence.metrics["all"]["all"]["bleu"] == 7.5
    assert own.metrics["all"]["all"]["bleu"] == 2.5
    assert (anew.version, anew.rolled_back) == ("1", True)
    assert turns == [("evaluate", False), ("evaluate", True)], "it waits for the GPU, and leaves it"
    assert beside == [workspace.path.name]
    assert (project / "models" / "model" / "weights").read_text() == "2.5\n"
