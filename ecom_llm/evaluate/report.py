"""The three files of the evidence: equal evidence is equal bytes, and all three appear or none."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from json import dumps
from pathlib import Path

from ecom_llm.evaluate.evidence import Evidence, Intervals, Metrics, Output
from ecom_llm.layout import Layout
from ecom_llm.records import UserError, write_jsonl

COLUMNS = ("slice", "skill", "locale", "metric", "system", "value", "low", "high")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place at the end, or goes away when something fails.

    Raises:
        UserError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}). Check free space and rights.") from error
    finally:
        temporary.unlink(missing_ok=True)


def rows(system: str, metrics: Metrics, intervals: Intervals) -> Iterator[tuple[object, ...]]:
    """The rows of slices.csv for one system; without an interval its two cells are empty."""
    for skill, locales in metrics.items():
        for locale, values in locales.items():
            for metric, value in values.items():
                bounds = intervals.get(skill, {}).get(locale, {}).get(metric, ("", ""))
                yield f"{skill}/{locale}/{metric}", skill, locale, metric, system, value, *bounds


def write_slices(path: Path, evidence: Evidence) -> None:
    """One row for each slice and system, the model before the baselines."""
    found = list(rows("model", evidence.metrics, evidence.intervals))
    for system, metrics in evidence.baselines.items():
        found.extend(rows(system, metrics, evidence.baseline_intervals.get(system, {})))
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(found, key=lambda row: (row[0], row[4] != "model", row[4])))


def write_report(layout: Layout, evidence: Evidence, outputs: Iterable[Output]) -> None:
    """Write outputs.jsonl, metrics.json and slices.csv.

    Raises:
        UserError: no space or no right to write; nothing half-written is left.
    """
    with ExitStack() as stack:
        texts, numbers, slices = (
            stack.enter_context(replacing(path)) for path in (layout.outputs, layout.metrics, layout.slices)
        )
        write_jsonl(texts, outputs)
        body = dumps(evidence.model_dump(), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        numbers.write_text(body + "\n", encoding="utf-8", newline="\n")
        write_slices(slices, evidence)
