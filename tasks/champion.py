"""The champion on the candidate's test set, for when data or metrics moved on since the champion was measured."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from ecom_llm.evaluate.evidence import Output, read_evidence
from ecom_llm.layout import Layout
from ecom_llm.promote.gate import Entrant
from ecom_llm.records import read_jsonl
from tasks import dvc
from tasks.gpu import turn_on_gpu
from tasks.logs import run_logger
from tasks.reproduce import run_stage
from tasks.workspace import open_worktree, run_name


@dataclass(frozen=True)
class CandidateRun:
    """The run whose test set counts."""

    base: Path
    """A checkout or worktree with the DVC settings and cache in which the run's results are."""
    commit: str
    """The run's snapshot."""
    files: Layout
    """Where its dvc.lock and params.yaml lie."""


def measured_anew(champion: Entrant, model: Path, run: CandidateRun) -> Entrant:
    """Evaluate a model on another run's test set, in a worktree of its own; its trainings by other seeds fall away.

    The one use of `dvc repro -s`: the model is no result of the stages before. DVC's run cache knows the same model on
    the same test set again. Of the trainings by other seeds no weights are kept that could be evaluated too.

    Args:
        champion: the entrant with its old evidence.
        model: its folder of safetensors and tokenizer.
        run: the candidate's run, its stages up to date.
    """
    with open_worktree(run.base, run.commit, run_name()) as own:
        for given, taken in ((run.files.lock, own.layout.lock), (run.files.params, own.layout.params)):
            shutil.copyfile(given, taken)
        dvc.dvc("checkout", str(own.layout.prepared), cwd=own.path, env=dvc.environment(own.layout))
        shutil.copytree(model, own.layout.model)
        log = run_logger()
        log.info(
            "The champion was measured on other data or otherwise: evaluating version %s on this test set.",
            champion.version,
        )
        with turn_on_gpu("evaluate", own.layout):
            run_stage("evaluate", own, log.info, alone=True)
        outputs = list(read_jsonl(own.layout.outputs, Output))
        return replace(champion, evidence=read_evidence(own.layout.metrics), outputs=outputs, trainings=())
