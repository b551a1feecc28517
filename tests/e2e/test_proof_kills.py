"""Kills of a real champion's registry: the proof of `make proof-kills` for a promotion and a roll-back."""

import subprocess
import sys

from tests.e2e.conftest import REPO, environment

SEED = "24"
"""One with which both die before a write: a blow after some milliseconds comes too late where the machine slept meanwhile."""


def test_two_kills_leave_nothing_half_done(shop):
    done = subprocess.run(
        [sys.executable, "-m", "proofs.kills", "2", SEED, str(shop)],
        cwd=REPO,
        env=environment() | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["PROOF kills tried=2 failed=0"], done.stdout + done.stderr
    assert "had ended" not in done.stdout
    assert done.returncode == 0
