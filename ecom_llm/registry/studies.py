"""Studies in the registry: the outputs people are to judge, and what they said, stored with the version it is about."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

from ecom_llm.human.estimates import Precision
from ecom_llm.human.judgements import Verdicts
from ecom_llm.human.results import Result, flat, judged_whole, results, shown
from ecom_llm.human.study import load_record, save_record
from ecom_llm.params import Promote
from ecom_llm.promote.people import Heard, asked
from ecom_llm.records import UserError
from ecom_llm.registry.artifacts import copied
from ecom_llm.registry.runs import log_metrics
from ecom_llm.registry.versions import Registry, Version, answered

STUDIES = "studies"
"""Tag of a version: the studies stored with it, the latest last. It is set last, so that a study it names is whole."""
FOLDER = "human"
"""Artifacts of a version's run."""


def file_key(path: Path) -> str:
    """SHA-256 of an outputs.jsonl: equal means the same texts."""
    return sha256(path.read_bytes()).hexdigest()


@answered
def fetch(registry: Registry, version: Version, name: str, folder: str) -> Path:
    """Copy an artifact of a version's run into a folder."""
    return copied(registry.mlflow, version.run_id, name, Path(folder))


@contextmanager
def outputs_of(registry: Registry, version: Version) -> Iterator[Path]:
    """The outputs.jsonl that is registered with a version, while the block lasts."""
    with TemporaryDirectory() as folder:
        yield fetch(registry, version, "reports/outputs.jsonl", folder)


def outputs_key(registry: Registry, version: Version) -> str:
    """SHA-256 of the outputs that are registered with a version."""
    with outputs_of(registry, version) as path:
        return file_key(path)


def names(version: Version) -> list[str]:
    """The studies stored with a version, in the order in which they were stored."""
    return [name for name in version.tags.get(STUDIES, "").split(",") if name]


def stored(registry: Registry, version: Version) -> Iterator[Verdicts]:
    """What people said in the studies stored with a version."""
    with TemporaryDirectory() as folder:
        for name in names(version):
            yield load_record(fetch(registry, version, f"{FOLDER}/{name}.json", folder), Verdicts)


def require_same(registry: Registry, version: Version, verdicts: Verdicts) -> None:
    """Refuse to store a study with a version whose outputs it did not judge.

    Raises:
        UserError: the outputs registered are others.
    """
    if verdicts.candidate.outputs != outputs_key(registry, version):
        raise UserError(
            f"study {verdicts.study} judged other outputs than are registered with {version.model_name} version "
            f"{version.number}, so it says nothing of it. Make another: ecom-llm study new {version.number}"
        )


def store(registry: Registry, version: Version, verdicts: Verdicts, precision: Precision, lines: Sequence[str]) -> None:
    """Keep a study's judgements and results with a version: artifacts and metrics of its run, tags of the version.

    Raises:
        UserError: the study judged other outputs, or MLflow refuses.
    """
    require_same(registry, version, verdicts)
    version = registry.version(version.number)
    order = [*(name for name in names(version) if name != verdicts.study), verdicts.study]
    keep_files(registry, version, verdicts, lines)
    keep_numbers(registry, version, verdicts, precision)
    tag(registry, version, STUDIES, ",".join(order))


@answered
def keep_files(registry: Registry, version: Version, verdicts: Verdicts, lines: Sequence[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{verdicts.study}.json"
        save_record(path, verdicts)
        registry.mlflow.log_artifact(version.run_id, str(path), FOLDER)
    registry.mlflow.log_text(version.run_id, "\n".join(lines) + "\n", f"{FOLDER}/{verdicts.study}.txt")


@answered
def keep_numbers(registry: Registry, version: Version, verdicts: Verdicts, precision: Precision) -> None:
    """Metrics of the run, and for each metric a tag with its interval, where versions are listed."""
    from mlflow.entities import Metric

    now = int(time() * 1000)
    points = [Metric(name, value, now, 0) for name, value in flat(verdicts, precision).items()]
    log_metrics(registry.mlflow, version.run_id, points)
    for one in results(verdicts, precision):
        if (one.skill, one.locale) == ("all", "all") and judged_whole(verdicts, "all", "all"):
            tag(registry, version, one.metric, tag_value(one, verdicts, precision))


def tag_value(one: Result, verdicts: Verdicts, precision: Precision) -> str:
    """A number as a tag: with interval, opponent and study."""
    against = f" against {verdicts.other.name}" if verdicts.other else ""
    return f"{shown(one.estimate, '.3g', precision.min_examples)}{against}, study {verdicts.study}"


@answered
def tag(registry: Registry, version: Version, key: str, value: str) -> None:
    registry.mlflow.set_model_version_tag(version.model_name, version.number, key, value)


def heard(registry: Registry, version: Version, rules: Promote) -> Heard | None:
    """What people said of a version, for the gate; None where no rule asks for it.

    Raises:
        UserError: a study that is stored with the version cannot be read.
    """
    if not asked(rules):
        return None
    champion = registry.champion()
    rival = champion if champion is not None and champion.number != version.number else None
    return Heard(
        version=version.number,
        outputs=outputs_key(registry, version),
        champion=rival.number if rival else None,
        champion_outputs=outputs_key(registry, rival) if rival else None,
        studies=tuple(stored(registry, registry.version(version.number))),
    )
