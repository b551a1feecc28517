"""Every command of the README and the documentation, typed as it stands there, in the checkout of a tiny shop.

Words that stand for something of the reader's are filled in. Servers, `make`, and what gives a champion back have tests of
their own.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import COMMAND, REPO, clone, environment

PAGES = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
ELSEWHERE = (
    "ecom-llm up",
    "ecom-llm sweep",
    "ecom-llm run --set train.num_processes",  # it may become champion, and other tests rest on who is
    "ecom-llm rollback",
    "ecom-llm approve",
    "ecom-llm reject",
    "ecom-llm study",
    "ecom-llm add",
    "ecom-llm data restore",
    "dvc gc",
    "git clone",
    "git fetch --unshallow",
    "dvc fetch",
)
"""test_up.py, test_sweep.py, test_study.py, test_processes.py, test_spine.py, test_approval.py, test_versions.py and below; `dvc gc
--workspace` asks before it deletes, and nobody is there to answer; a tiny shop has nobody to fetch from."""


def commands() -> list[str]:
    """The different command lines of the pages, in code spans and in code blocks."""
    found: list[str] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += re.findall(r"`((?:ecom-llm|dvc|git) [a-z][^`\n]*)`", text)
        found += re.findall(r"^((?:ecom-llm|dvc|git) [a-z].*)$", text, re.MULTILINE)
    lines = dict.fromkeys(line.split("  #")[0].strip() for line in found)
    return [line for line in lines if not line.startswith(ELSEWHERE)]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory) -> dict[str, str]:
    """What the reader would put for the words that stand for something of theirs."""
    tables = tmp_path_factory.mktemp("tables")
    colours = ("red", "blue", "green", "grey", "black")
    rows = [f"p{n},Lamp {n},A {colours[n % 5]} lamp number {n} for the desk.,{colours[n % 5]}" for n in range(60)]
    (tables / "products.csv").write_text("id,title,description,colour\n" + "\n".join(rows) + "\n")
    return {
        "/absolute/path/of/your/tables": str(tables),
        "FILE": str(tables / "products.csv"),
        "VERSION": "1",
        "COMMIT": "HEAD",
        "REV": "HEAD",
        "STAGE": "prepare",
    }


def run(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    program, *words = shlex.split(line)
    start = COMMAND if program == "ecom-llm" else [program, *(["--no-pager"] if program == "git" else [])]
    return subprocess.run(
        [*start, *words], cwd=folder, env=environment(), capture_output=True, text=True, timeout=200, check=False
    )


def test_there_are_commands_to_type():
    assert len(commands()) > 8


WRITTEN = tuple(f"ecom-llm write {skill}" for skill in ("describe", "recommend", "summarise"))
"""test_spine.py and test_summarise.py ask for these."""
LONG = ("ecom-llm run --recipe", *WRITTEN)
"""What trains once more takes the better part of a minute."""


@pytest.mark.parametrize(
    "line", [pytest.param(one, marks=pytest.mark.long if one.startswith(LONG) else ()) for one in commands()]
)
def test_a_command_of_the_pages_does_what_it_says(shop, stand_ins, line):
    for word, meant in stand_ins.items():
        line = re.sub(rf"{re.escape(word)}\b", meant, line)
    told = run(shop, line)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Traceback" not in told.stderr


def test_add_versions_a_file(tmp_path, stand_ins):
    folder = clone(tmp_path)
    told = run(folder, f"ecom-llm add {stand_ins['FILE']}")
    assert told.returncode == 0, told.stdout + told.stderr
    assert (folder / "data" / "sources" / "products.csv").exists()
