"""The engine: what is said where Ray cannot be had. That both engines write the same bytes is shown by `make proof-ray`."""

import importlib.util
import random
import socket
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import daft
import pyarrow.parquet as pq
import pytest

from ecom_llm.params import Runtime
from ecom_llm.prepare import engine
from ecom_llm.records import UserError


def runtime(name, address="local"):
    return Runtime(device="cpu", log_level="info", engine=name, ray_address=address, notification_block="none")


def test_native_needs_no_ray(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    engine.start_engine(runtime("native"), tmp_path)
    assert daft.get_or_infer_runner_type() == "native"


def test_a_bucket_is_written_as_it_comes_and_not_held_in_memory(tmp_path):
    """Three MB in one bucket are several row groups, each written when it was full."""
    engine.start_engine(runtime("native"), tmp_path)
    texts = ["".join(random.Random(number).choices("abcdefgh", k=1000)) for number in range(3000)]
    frame = daft.from_pydict({"text": texts, "bucket": [0] * len(texts)})
    frame.into_batches(100).write_parquet(str(tmp_path / "washed"), partition_cols=[daft.col("bucket")])
    (file,) = (tmp_path / "washed" / "bucket=0").glob("*.parquet")
    assert pq.read_metadata(file).num_row_groups > 1


def test_native_is_native_whatever_the_shell_says(tmp_path, monkeypatch):
    chosen = []
    monkeypatch.setattr(daft, "get_or_infer_runner_type", lambda: "ray")
    monkeypatch.setattr(daft, "set_runner_native", lambda: chosen.append("native"))
    engine.start_engine(runtime("native"), tmp_path)
    assert chosen == ["native"]


def test_without_ray_one_is_told_how_to_get_it(tmp_path, monkeypatch):
    seen = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else seen(name))
    with pytest.raises(
        UserError, match=r"runtime\.engine is ray.*not installed.*pip install 'ecom-llm\[ray\]'.*native"
    ):
        engine.start_engine(runtime("ray"), tmp_path)


class Lost(Exception):
    """Stands for ray.exceptions.RayError."""


@pytest.fixture
def ray(monkeypatch):
    """A Ray of two machines; `answers` are what they say (an exception is raised), `begun` how it was started."""
    fake, scheduling = ModuleType("ray"), ModuleType("ray.util.scheduling_strategies")
    fake.__spec__ = ModuleSpec("ray", None)
    fake.answers, fake.begun = [True, True], []
    fake.exceptions = SimpleNamespace(RayError=Lost)
    addresses = {"a": "10.0.0.1", "b": "10.0.0.2", "gone": "10.0.0.3"}
    fake.nodes = lambda: [
        {"NodeID": name, "NodeManagerAddress": address, "Alive": name != "gone", "Resources": {"CPU": 4.0}}
        for name, address in addresses.items()
    ]
    fake.remote = lambda num_cpus: (
        lambda asked: SimpleNamespace(
            options=lambda scheduling_strategy: SimpleNamespace(remote=lambda path: (scheduling_strategy, path))
        )
    )
    fake.init = lambda address, **how: fake.begun.append((address, how))

    def get(asked):
        assert [node for node, _ in asked] == ["a", "b"]
        if isinstance(fake.answers, Exception):
            raise fake.answers
        return fake.answers

    fake.get = get
    scheduling.NodeAffinitySchedulingStrategy = lambda node_id, soft: node_id
    for name, module in (("ray", fake), ("ray.util", ModuleType("ray.util")), (scheduling.__name__, scheduling)):
        monkeypatch.setitem(sys.modules, name, module)
    for name in engine.OWN:
        monkeypatch.setenv(name, "set by the test, and so put back after it")
    monkeypatch.setattr(daft, "set_runner_ray", lambda noop_if_initialized: fake.begun.append("daft"))
    return fake


def test_the_code_goes_along_and_nothing_is_left_in_the_folder(ray, tmp_path):
    engine.start_engine(runtime("ray"), tmp_path)
    (address, how), then = ray.begun
    assert address == "local" and then == "daft"
    assert how["runtime_env"]["py_modules"] == [engine.__file__.removesuffix("/prepare/engine.py")]
    assert list(tmp_path.iterdir()) == []


def test_a_machine_that_does_not_share_the_disk_is_named(ray, tmp_path):
    ray.answers = [True, False]
    with pytest.raises(UserError, match=rf"machine 10\.0\.0\.2 does not see {tmp_path}\. Put the checkout"):
        engine.start_engine(runtime("ray"), tmp_path)


def test_a_machine_without_the_packages_is_told_of(ray, tmp_path):
    ray.answers = Lost("Traceback ...\n  in sees\nModuleNotFoundError: No module named 'polars'\n")
    with pytest.raises(
        UserError, match=r"cannot run the preparation \(ModuleNotFoundError: No module named 'polars'\)"
    ):
        engine.start_engine(runtime("ray"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def closed_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.mark.parametrize("spelling", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_an_address_where_nothing_listens_is_told_at_once(ray, tmp_path, spelling):
    address = spelling.format(closed_port())
    with pytest.raises(
        UserError, match=rf"runtime\.ray_address: no Ray cluster can be used at '{address}' \(.*refused"
    ):
        engine.start_engine(runtime("ray", address), tmp_path)
    assert not ray.begun


def test_what_ray_says_against_an_address_is_passed_on(ray, tmp_path):
    def init(address, **_):
        raise ValueError(f"Invalid address format:\n {address}")

    ray.init = init
    with pytest.raises(UserError, match=r"used at 'rubbish' \(Invalid address format: rubbish\)"):
        engine.start_engine(runtime("ray", "rubbish"), tmp_path)


def test_a_file_is_seen_or_not(tmp_path):
    (tmp_path / "here").touch()
    assert engine.sees(str(tmp_path / "here"))
    assert not engine.sees(str(tmp_path / "there"))
