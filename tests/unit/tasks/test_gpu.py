"""The slot for the GPU: who waits for it."""

from contextlib import contextmanager

import pytest
import yaml

from ecom_llm.layout import Layout
from tasks import gpu
from tests.unit.tasks.conftest import REPO


@pytest.fixture
def held(monkeypatch, tmp_path):
    """What was held, of a limit that lets everybody in."""
    names = []

    @contextmanager
    def concurrency(name, occupy, timeout_seconds):
        names.append((name, timeout_seconds))
        yield

    monkeypatch.setattr(gpu, "concurrency", concurrency)
    monkeypatch.setattr(gpu, "DRIVER", tmp_path / "driver")
    monkeypatch.setattr(gpu, "make_limit", lambda: names.append("made"))
    return names


def layout_of(root, device: str) -> Layout:
    values = yaml.safe_load((REPO / "params.yaml").read_text())
    values["runtime"]["device"] = device
    (root / "params.yaml").write_text(yaml.safe_dump(values))
    return Layout(root, root / "state")


@pytest.mark.parametrize(
    ("stage", "device", "driver", "waits"),
    [
        ("train", "cuda", False, True),
        ("evaluate", "cuda", False, True),
        ("prepare", "cuda", True, False),
        ("train", "cpu", True, False),
        ("train", "auto", True, True),
        ("train", "auto", False, False),
    ],
)
def test_stages_that_compute_on_a_gpu_wait_for_it(held, tmp_path, stage, device, driver, waits):
    if driver:
        (tmp_path / "driver").mkdir()
    with gpu.turn_on_gpu(stage, layout_of(tmp_path, device)):
        assert held == (["made", ("gpu", None)] if waits else [])


def test_a_smoke_test_waits_for_it_where_there_is_one(held, tmp_path):
    with gpu.turn_to_try(5.0):
        assert held == []
    (tmp_path / "driver").mkdir()
    with gpu.turn_to_try(5.0):
        assert held == ["made", ("gpu", 5.0)]
