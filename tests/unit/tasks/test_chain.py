"""DVC's hashes as DVC makes them, and a commit whose objects are held against their names."""

import json
import threading
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from ecom_llm.registry.journal import Journal
from ecom_llm.registry.signing import BrokenLink
from tasks import dvc, git
from tasks.chain.commit import Commit, read_commit
from tasks.chain.hashes import path_md5
from tasks.chain.lock import read_lock
from tasks.chain.origin import pointed
from tasks.chain.store import Store
from tasks.chain.version import Followed
from tests.unit.tasks.conftest import commit

STAGE = {
    "stages": {
        "one": {"cmd": "mkdir -p out && cp -r data/sources/deep out/é", "deps": ["data/sources"], "outs": ["out"]}
    }
}


@pytest.fixture
def shop(project: Path) -> Path:
    """Sources of every kind (in git, a file and a folder of DVC's), and a stage that has read them."""
    sources = project / "data" / "sources"
    (sources / "deep").mkdir()
    (sources / "rows.csv").write_bytes(b"a,b\r\n1,2\r\n")
    for name in ("one", "two"):
        (sources / "deep" / name).write_text(name)
    dvc.dvc("add", "data/sources/rows.csv", "data/sources/deep", cwd=project)
    (project / "dvc.yaml").write_text(yaml.safe_dump(STAGE))
    commit(project)
    dvc.dvc("repro", cwd=project)
    return project


def head(shop: Path) -> str:
    return git.git("rev-parse", "HEAD", cwd=shop)


def test_hashes_are_dvc_s_own(shop):
    lock, store, found = read_lock(shop / "dvc.lock"), Store.of(shop), read_commit(shop, head(shop))
    assert path_md5(shop / "out") == lock.outs["out"]
    [origin] = lock.origins
    data = {}
    for path, md5 in pointed(found, origin.path).items():
        data |= store.files(md5, path)
    assert found.hash_of("data/sources", data) == origin.md5
    assert found.hash_of("data/sources", {}) != origin.md5
    assert found.hash_of("data/sources/rows.csv", data) == path_md5(shop / "data" / "sources" / "rows.csv")
    assert found.hash_of("nowhere", data) is None


def test_an_object_of_the_cache_that_is_changed_or_gone_is_named(shop):
    lock = read_lock(shop / "dvc.lock")
    files = Store.of(shop).files(lock.outs["out"], "out")
    place = Store.of(shop).check(files["out/é/one"], "out/é/one")
    place.chmod(0o644)
    place.write_text("other")
    with pytest.raises(BrokenLink, match=r"out/é/one: expected MD5 .* It was changed or damaged") as broken:
        Store.of(shop).files(lock.outs["out"], "out")
    assert not broken.value.absent
    place.unlink()
    with pytest.raises(BrokenLink, match="found nothing in DVC's cache") as broken:
        Store.of(shop).files(lock.outs["out"], "out")
    assert broken.value.absent


def test_what_only_a_remote_of_this_machine_has_counts(shop, tmp_path):
    lock = read_lock(shop / "dvc.lock")
    dvc.dvc("remote", "add", "--local", "--default", "kept", str(tmp_path / "remote"), cwd=shop)
    dvc.dvc("push", cwd=shop)
    (shop / ".state" / "dvc" / "files").rename(shop / ".state" / "dvc" / "gone")
    assert len(Store.of(shop).files(lock.outs["out"], "out")) == 3


def test_a_git_object_that_is_another_than_its_name_says_is_named(shop):
    blob = git.git("rev-parse", "HEAD:code.txt", cwd=shop)
    place = shop / ".git" / "objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(zlib.compress(b"blob 4\0two\n"))
    with pytest.raises(BrokenLink, match=f"code.txt in commit .*: expected git object {blob}, found "):
        read_commit(shop, head(shop))
    place.write_bytes(b"\0 no zlib")
    with pytest.raises(BrokenLink, match=r"is missing or damaged .error: .*header") as broken:
        read_commit(shop, head(shop))
    assert not broken.value.absent


def test_dvc_files_point_from_where_they_lie_or_say():
    kept = {
        "data/sources/rows.csv.dvc": b"outs: [{md5: a, path: rows.csv}]",
        "deep.dvc": b"wdir: data\nouts: [{md5: b.dir, path: sources/deep}]",
        "data/sources/cloud.dvc": b"outs: [{path: cloud}]",
        "data/other.dvc": b"outs: [{md5: c, path: other}]",
        "params.yaml": b"{}",
    }
    found = pointed(Commit("0" * 40, {}, kept), "data/sources")
    assert found == {"data/sources/rows.csv": "a", "data/sources/deep": "b.dir", "data/sources/cloud": ""}
    assert pointed(Commit("0" * 40, {}, kept), "data/sources/deep/one") == {"data/sources/deep": "b.dir"}


@pytest.mark.parametrize("text", ["stages: [", "stages: 3", "\xff", json.dumps({"stages": {"a": {"outs": [1]}}})])
def test_what_is_no_lock_is_named(tmp_path, text):
    (tmp_path / "dvc.lock").write_bytes(text.encode("latin-1"))
    with pytest.raises(BrokenLink, match=r"dvc\.lock: expected the lock of four stages"):
        read_lock(tmp_path / "dvc.lock")


def test_what_journal_and_mlflow_tell_is_of_one_moment(tmp_path):
    """Another run keeps a decision: it tells the journal, then MLflow. Who asks meanwhile waits for both."""
    journal, kept = Journal(tmp_path / "shop.jsonl"), {}
    begun = threading.Event()

    def keep() -> None:
        with journal.held():
            journal.append("decided", "1", gate="approved")
            begun.set()
            time.sleep(0.3)
            kept.update(gate="approved", anchor=journal.read().head)

    registry = SimpleNamespace(
        journal=journal,
        anchor=lambda: kept.get("anchor", ""),
        version=lambda number: SimpleNamespace(number=number, tags={"gate": kept.get("gate", "pending")}),
        decision_hashes=lambda version: {},
    )
    followed = Followed(registry, SimpleNamespace(number="1"), tmp_path, tmp_path)
    writer = threading.Thread(target=keep)
    writer.start()
    begun.wait()
    told = followed.told
    writer.join()
    assert (told.tags["gate"], told.anchor) == ("approved", told.chain.head)
