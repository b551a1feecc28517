"""For all tests: interruptions work, and two workers share a machine of two cores.

Ctrl-C means what it means on a terminal, also where the suite runs in a shell's background: a shell starts background jobs
with SIGINT ignored, children inherit that, and no test of an interruption could pass.
"""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

signal.signal(signal.SIGINT, signal.default_int_handler)
# Two trainings of two threads each on two cores wait for each other: spinning, they take ten times as long as sleeping.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# How long an example takes says how busy the machine is; what `CI` chooses (the same examples each time) stays chosen.
settings.register_profile("busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays with one worker, and all tests of the tiny shop too: its first run takes most of a minute.

    So do those that start the servers: two that look for a free port at the same moment find the same one.
    """
    for item in items:
        shop = "shop" in getattr(item, "fixturenames", ()) or item.path.name == "test_up.py"
        item.add_marker(pytest.mark.xdist_group("shop" if "e2e" in item.path.parts and shop else str(item.path)))
