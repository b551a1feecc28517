"""Whose prepared data is read: the checkout's where it is the version's, and a refusal where it is nowhere."""

import subprocess
from pathlib import Path

import pytest

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, lock_key
from tasks.prepared import prepared_data


def version(lock: str) -> Version:
    return Version(model_name="m", number="3", run_id="r", tags={"lock": lock, "snapshot": "0" * 40})


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    found = Layout(tmp_path, tmp_path / ".state")
    found.prepared.mkdir(parents=True)
    found.lock.write_text("stages: {}\n")
    return found


@pytest.fixture
def registry(layout: Layout) -> Registry:
    return Registry("file:///nowhere", "m", layout, None)


def test_the_checkout_s_data_is_read_where_it_is(layout: Layout, registry: Registry):
    with prepared_data(registry, version(lock_key(layout.lock)), layout) as folder:
        assert folder == layout.prepared


def test_data_of_another_clone_is_refused(layout: Layout, registry: Registry):
    with (
        pytest.raises(UserError, match="version 3 was made in another clone"),
        prepared_data(registry, version("another"), layout),
    ):
        pass
