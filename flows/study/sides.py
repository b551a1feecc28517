"""What is compared in a study: a registered version, a file of outputs, the human reference, or a baseline."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.evaluate.evidence import Output
from ecom_llm.human.study import Side
from ecom_llm.records import UserError, read_jsonl
from ecom_llm.registry import Registry, Version
from ecom_llm.registry.studies import file_key, outputs_of

REFERENCE = "reference"
ALIASES = ("candidate", "champion", "previous")


@dataclass(frozen=True)
class Texts:
    """A side with what it wrote."""

    side: Side
    outputs: Sequence[Output]


def version_of(registry: Registry, name: str) -> Version:
    """The version of that number or alias.

    Raises:
        UserError: there is none.
    """
    if name not in ALIASES:
        return registry.version(name)
    aliases = registry.aliases()
    if name not in aliases:
        there = ", ".join(f"{alias} {number}" for alias, number in aliases.items()) or "none; run `ecom-llm run` first"
        raise UserError(f"{registry.model_name} has no {name} at {registry.address}. There are: {there}.")
    return registry.version(aliases[name])


def default_candidate(registry: Registry) -> str:
    """The version one would ask people about: the candidate, or without one the champion."""
    return "candidate" if "candidate" in registry.aliases() else "champion"


def side_of(registry: Registry, name: str) -> Texts:
    """A version by number or alias, or a file of outputs by its path.

    Raises:
        UserError: there is no such version, the file is not what the evaluate stage writes, or it holds no text.
    """
    path = Path(name)
    if path.suffix == ".jsonl":
        opened, version = nullcontext(path), None
    else:
        version = version_of(registry, name)
        opened = outputs_of(registry, version)
    with opened as found:
        outputs, key = list(read_jsonl(found, Output)), file_key(found)
    label = f"version {version.number}" if version else str(path)
    # a masked model writes nothing for most skills; one that writes and fails to is shown as it is
    writes = {output.skill for output in outputs if output.text.strip()}
    if not writes:
        raise UserError(f"{label}: wrote no text, so there is nothing for people to judge.")
    side = Side(name=label, version=version.number if version else None, outputs=key)
    return Texts(side, [output for output in outputs if output.skill in writes])


def opponent(registry: Registry, name: str, candidate: Texts) -> tuple[Side, dict[str, str]]:
    """What the candidate is compared with, and its text for each example.

    Raises:
        UserError: nothing is called that, or it was measured on other examples.
    """
    baselines = sorted({one for output in candidate.outputs for one in output.baselines})
    if name in (REFERENCE, *baselines):
        texts = {
            output.id: output.reference if name == REFERENCE else output.baselines[name]
            for output in candidate.outputs
            if name == REFERENCE or name in output.baselines
        }
        return Side(name=name, version=None, outputs=candidate.side.outputs), texts
    if not (name.isdecimal() or name in ALIASES or name.endswith(".jsonl")):
        raise UserError(
            f"--against {name}: is no version, alias or outputs.jsonl, and {candidate.side.name} has no baseline of that "
            f"name. Expected a number, {', '.join(ALIASES)}, a path, {REFERENCE}"
            f"{', ' if baselines else ''}{', '.join(baselines)}."
        )
    other = side_of(registry, name)
    if other.side.outputs == candidate.side.outputs:
        raise UserError(
            f"--against {name}: those are the same outputs as {candidate.side.name}'s. Compare with another version, "
            f"or with what people wrote: --against {REFERENCE}"
        )
    return other.side, comparable(candidate, other)


def comparable(candidate: Texts, other: Texts) -> dict[str, str]:
    """The other side's texts for the examples that both were asked in the same words.

    Raises:
        UserError: there are none.
    """
    asked = {output.id: (output.attributes, output.reference) for output in candidate.outputs}
    texts = {
        output.id: output.text
        for output in other.outputs
        if asked.get(output.id) == (output.attributes, output.reference)
    }
    if not texts:
        raise UserError(
            f"{candidate.side.name} and {other.side.name} were measured on different test sets and have no example in "
            "common. Evaluate the other again on today's data, or compare with what people wrote: --against reference"
        )
    return texts
