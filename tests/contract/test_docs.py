"""The documentation says what is: the generated page is current, links lead somewhere, files named exist."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from flows.cli import app

REPO = Path(__file__).parents[2]
PAGES = sorted([REPO / "README.md", REPO / "CHANGELOG.md", *(REPO / "docs").rglob("*.md")])


def test_the_parameters_page_is_current():
    path = REPO / "docs" / "generate_parameters.py"
    spec = importlib.util.spec_from_file_location("generate_parameters", path)
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    page = (REPO / "docs" / "parameters.md").read_text(encoding="utf-8")
    assert page == generator.document(), "run: python docs/generate_parameters.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPO)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPO)))
def test_files_and_parameters_named_exist(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:recipes|docs|tests)/[\w./-]+\.\w+)`", text):
        assert (REPO / name).exists(), f"{page.name} names {name}"
    known = set((REPO / "tests/golden/parameter_names.txt").read_text().split())
    sections = "collect|prepare|train|evaluate|registry|runtime"
    for name in re.findall(rf"--set ((?:{sections})\.\w+)", text):
        assert name in known, f"{page.name} sets {name}"


def commands() -> list[tuple[str, str]]:
    """(page, command line) of every `ecom-llm ...` in the pages, in code spans and blocks."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        spans = re.findall(r"`(ecom-llm [^`\n]+)`", text)
        blocks = re.findall(r"^(ecom-llm .+)$", text, re.MULTILINE)
        found += [(page.name, line.split("#")[0].strip()) for line in spans + blocks]
    return [(page, line) for page, line in found if "," not in line]


def test_there_are_commands_to_check():
    assert len(commands()) > 10


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda value: value)
def test_every_command_in_the_pages_is_understood(page, line):
    app.parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)
