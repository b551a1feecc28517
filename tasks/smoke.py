"""The smoke test of who writes for the shop, in a process of its own: that it loads, and writes."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ecom_llm.evaluate.evidence import Output, read_evidence
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import UserError, read_jsonl
from ecom_llm.registry import Registry, Version
from ecom_llm.serve.smoke import Asked
from ecom_llm.write.decoding import decoding_of
from tasks.standby import next_process

SECONDS = 300
"""A model that has not written a line by then is none to serve."""


def one_of_each(outputs: Sequence[Output]) -> tuple[tuple[str, str, dict[str, str]], ...]:
    """A test example of each skill and locale, as it is asked for."""
    first = {(one.skill, one.locale): one.attributes for one in reversed(outputs) if one.attributes}
    return tuple((skill, locale, attributes) for (skill, locale), attributes in first.items())


def smoke_test(registry: Registry, version: Version) -> str:
    """Why what a version serves is not fit, in a line; empty if it loads and writes with the params that it was measured with."""
    return unfit(question(registry, version))


def question(registry: Registry, version: Version) -> Asked:
    """What a version is asked to write, as it is served."""
    with TemporaryDirectory() as folder:
        files = registry.files(version, Path(folder))
        evidence, outputs = read_evidence(files.metrics), list(read_jsonl(files.outputs, Output))
        try:
            params = load_params(files.params)
        except UserError:  # of a version that was made before there were all of today's parameters
            params = load_params(Layout.here().params)
    return Asked(
        model=registry.model_folder(version),
        decoding=decoding_of(params.evaluate),
        masked=evidence.objective == "masked",
        prompts=one_of_each(outputs),
    )


def unfit(asked: Asked) -> str:
    """Ask a process of its own; why what is served is not fit, empty if it is."""
    process = next_process()
    try:
        output, errors = process.communicate(asked.model_dump_json(), timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"it had not written a line after {SECONDS} s"
    if process.returncode:
        last = (errors.strip().splitlines() or ["it said nothing"])[-1]
        return f"its process ended with {process.returncode}: {last}"
    told = [line for line in output.splitlines() if line.startswith('{"unfit": ')]  # libraries may print, too
    return json.loads(told[-1])["unfit"] if told else "its process said nothing of how it went"
