"""Real trainings that differ by `train.seed` alone: `python -m proofs.intervals_trainings FOLDER [COUNT]`.

Trains COUNT tiny models on the built-in catalogue and keeps the outputs of each in FOLDER (a second call goes on), then
asks of all pairs how often the gate's interval of one training each calls them different, and how often that of three.
"""

import shutil
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from subprocess import run

import numpy as np

from ecom_llm.evaluate.bootstrap import Interval, Resampling
from ecom_llm.evaluate.evidence import Output, slice_value
from ecom_llm.evaluate.paired import improvement
from ecom_llm.evaluate.trainings import mean_improvement
from ecom_llm.layout import Layout
from ecom_llm.records import read_jsonl
from flows.overrides import chosen_params

REPO = Path(__file__).parents[1]
TINY = (
    *("collect.products=400", "collect.shoppers=150", "train.max_steps=120", "train.num_threads=1"),
    *("train.eval_steps=120", "train.save_steps=120", "evaluate.max_examples=40", "evaluate.num_threads=1"),
)
"""Laid over recipes/tiny.yaml: more test examples, and models that have learned something."""
METRICS = ("bits_per_byte", "attribute_coverage")
SIDE = 3
"""Trainings of a side where several are compared."""


def stage(name: str, workspace: Path, seed: int) -> None:
    """Run one stage in the workspace with that seed of training."""
    params = chosen_params(REPO / "params.yaml", REPO / "recipes" / "tiny.yaml", [*TINY, f"train.seed={seed}"])
    (workspace / "params.yaml").write_text(params.model_dump_json())  # JSON is YAML
    program = "import sys; sys.path.insert(0, sys.argv[2]); from ecom_llm.__main__ import main; main([sys.argv[1]])"
    environment = {"PATH": "", "ECOM_LLM_STATE": str(workspace / "state"), "CUDA_VISIBLE_DEVICES": ""}
    run(
        [sys.executable, "-c", program, name, str(REPO)],
        cwd=workspace,
        env={**environment, "OMP_NUM_THREADS": "1", "HOME": str(workspace)},
        check=True,
        capture_output=True,
    )


def trained(folder: Path, count: int) -> list[list[Output]]:
    """The outputs of each training on the same test examples."""
    workspace = folder / "workspace"
    workspace.mkdir(parents=True, exist_ok=True)
    layout = Layout(workspace, workspace / "state")
    if not (folder / "1.jsonl").exists():
        for name in ("collect", "prepare"):
            stage(name, workspace, 1)
    for seed in range(1, count + 1):
        if not (folder / f"{seed}.jsonl").exists():
            for made in (layout.model, layout.state):
                shutil.rmtree(made, ignore_errors=True)
            for name in ("train", "evaluate"):
                stage(name, workspace, seed)
            shutil.copyfile(layout.outputs, folder / f"{seed}.jsonl")
            print(f"  training {seed} of {count}", flush=True)
    return [list(read_jsonl(folder / f"{seed}.jsonl", Output)) for seed in range(1, count + 1)]


def differs(found: Interval) -> bool:
    """Whether an interval excludes 0."""
    return found.low > 0 or found.high < 0


def called(metric: str, trainings: Sequence[Sequence[Output]], rng: np.random.Generator) -> tuple[float, float]:
    """Share of pairs called different: one training against one, and three against three other ones."""
    resampling = Resampling(confidence=0.95, samples=1000, seed=1)
    single = [
        differs(improvement(metric, one, other, greater_is_better=True, resampling=resampling))
        for one, other in combinations(trainings, 2)
    ]
    several = []
    for _ in range(len(single)):
        order = rng.permutation(len(trainings))
        ours, theirs = ([trainings[n] for n in order[at : at + SIDE]] for at in (0, SIDE))
        several.append(differs(mean_improvement(metric, ours, theirs, greater_is_better=True, confidence=0.95)))
    return float(np.mean(single)), float(np.mean(several))


def main(folder: Path, count: int) -> int:
    """Train, compare, print; 1 where three trainings a side are called different in more than 5 %."""
    trainings = trained(folder, count)
    rng, failed = np.random.default_rng(1), 0
    for metric in METRICS:
        values = [slice_value(metric, outputs) for outputs in trainings]
        single, several = called(metric, trainings, rng)
        spread = f"{np.mean(values):.4f}, standard deviation between seeds {np.std(values, ddof=1):.4f}"
        print(f"{metric} {spread}: called different 1 against 1 {single:.1%}, {SIDE} against {SIDE} {several:.1%}")
        failed += several > 0.05
    print(f"PROOF intervals-trainings tried={len(METRICS)} failed={failed}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20))
