"""The two commands: what they say where they cannot do their work."""

import shutil
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).parents[2]
OLD = """#!/bin/sh
exec {python} -c 'import sys; sys.version_info = (3, 9, 1); sys.version = "3.9.1 of long ago"; exec(sys.argv[1])' "$2"
"""


def test_a_python_that_is_too_old_is_told_before_anything_is_installed(tmp_path):
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(REPO / name, tmp_path)
    old = tmp_path / "python3.9"
    old.write_text(OLD.format(python=sys.executable))
    old.chmod(0o755)
    told = subprocess.run(["make", f"PYTHON={old}", "run"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "error: Python 3.11 or 3.12 is needed, found 3.9.1. Name one: make PYTHON=" in told.stderr
    assert not (tmp_path / ".venv").exists()


def test_help_names_every_target():
    told = subprocess.run(["make", "help"], cwd=REPO, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "up", "lint", "clean"):
        assert f"make {target} " in told
