"""Kills of a real champion's registry: the proof of `make proof-kills` for a registration, a decision and a promotion."""

import subprocess
import sys

from tests.e2e.conftest import REPO, environment

SEED = "3"
"""One with which all three are killed on the way."""


def test_three_kills_leave_nothing_half_done(shop):
    done = subprocess.run(
        [sys.executable, "-m", "proofs.kills", "3", SEED, str(shop)],
        cwd=REPO,
        env=environment() | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["PROOF kills tried=3 failed=0"], done.stdout + done.stderr
    assert "had ended" not in done.stdout
    assert done.returncode == 0
