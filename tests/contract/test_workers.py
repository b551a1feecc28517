"""What the suite rests on: pytest-xdist keeps together what belongs together. Where it does not, it says nothing."""

import re
import subprocess
import sys

PAIR = """\
import time, pytest
@pytest.mark.xdist_group("{group}")
@pytest.mark.parametrize("number", range(4))
def test_one(number):
    time.sleep(0.05)
"""


def test_the_tests_of_a_group_have_one_worker(tmp_path):
    for name, group in (("a", "shop"), ("b", "shop"), ("c", "alone")):
        (tmp_path / f"test_{name}.py").write_text(PAIR.format(group=group))
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "."]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    ran = re.findall(r"\[(gw\d)\] .*PASSED \S*test_([abc])\.py", told.stdout)
    assert len(ran) == 12, told.stdout
    workers = {name: {worker for worker, other in ran if other == name} for name in "abc"}
    assert len(workers["a"] | workers["b"]) == 1
    assert workers["c"] and not workers["c"] & workers["a"]
