"""A champion's chain in a real shop: whole, found broken wherever a byte is changed, and refused by what rests on it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import REPO, ecom_llm, environment, git

LINKS = ["weights", "record", "lock", "params", "code", "data", "journal", "decision"]


@contextmanager
def away(path: Path) -> Iterator[None]:
    """Something that is gone for a while."""
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    try:
        yield
    finally:
        if path.is_dir():
            shutil.rmtree(path)
        aside.rename(path)


def weights(shop: Path) -> Path:
    lines = ecom_llm(shop, "status").stdout.splitlines()
    return Path(next(line.split()[-1] for line in lines if "model folder" in line))


def test_the_chain_is_told_link_by_link(shop):
    lines = ecom_llm(shop, "verify", "champion").stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == LINKS
    assert lines[-1].endswith("is whole: 8 links.")


def test_no_such_version_is_told(shop):
    told = ecom_llm(shop, "verify", "77", check=False)
    assert (told.returncode, told.stderr.count("\n")) == (2, 1) and "no version '77'" in told.stderr


def test_one_changed_byte_is_found_wherever_it_is(shop):
    done = subprocess.run(
        [sys.executable, "-m", "proofs.verify", "15", "3", str(shop)],
        cwd=REPO,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["PROOF verify tried=15 failed=0"], done.stdout + done.stderr
    assert done.returncode == 0


def test_data_that_is_gone_is_named_as_gone(shop):
    with away(shop / ".state" / "dvc" / "files"):
        told = ecom_llm(shop, "verify", "champion", check=False)
    assert told.returncode == 1
    assert "broken at its data: data/collected: expected MD5" in told.stderr and "found nothing" in told.stderr


def test_a_commit_that_is_not_here_is_named(shop):
    with away(shop / ".git"):
        git(shop, "init", "--quiet")
        told = ecom_llm(shop, "verify", "champion", check=False)
    assert told.returncode == 1
    assert "broken at its code" in told.stderr and "found no such commit in this repository" in told.stderr


def test_without_its_public_key_a_signature_does_not_count(shop):
    [public] = (shop / ".state" / "keys").glob("*.pub")
    with away(public):
        told = ecom_llm(shop, "verify", "champion", check=False)
    assert told.returncode == 1 and "a key that is trusted here (none)" in told.stderr


PROGRAM = """
import sys
from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from ecom_llm.registry import open_registry
from tasks.chain.follow import ITSELF, WHOLE, require
from tasks.model import promote_to_champion
layout = Layout.here()
registry = open_registry("ecom-llm-tiny", layout)
for act in (lambda: promote_to_champion.fn(registry.champion()),
            lambda: require(registry, registry.champion(), layout.workspace, ITSELF)):
    try:
        act()
        print("let through")
    except UserError as error:
        print(error)
"""


@pytest.mark.parametrize("changed", [True, False])
def test_promotion_and_roll_back_refuse_with_the_line_of_verify(shop, changed):
    folder = weights(shop)
    if changed:
        (folder / "added.json").write_text("{}")
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=shop, env=environment(), capture_output=True, text=True, check=False
        )
        told = ecom_llm(shop, "verify", "champion", check=False)
    finally:
        (folder / "added.json").unlink(missing_ok=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if changed:
        assert lines == [told.stderr.removeprefix("error: ").strip()] * 2
        assert "added.json: expected no such file" in lines[0]
    else:
        assert (lines, told.returncode) == (["let through"] * 2, 0)


def test_a_version_from_before_signing_is_said_to_be_unsigned(shop, tmp_path):
    copy = tmp_path / "shop"
    shutil.copytree(shop, copy, symlinks=True)
    program = (
        "import sys; from ecom_llm.layout import Layout; from ecom_llm.registry import open_registry\n"
        "registry = open_registry('ecom-llm-tiny', Layout.here()); version = registry.champion()\n"
        "made = registry.mlflow.create_model_version('ecom-llm-tiny',"
        " registry.mlflow.get_model_version_download_uri('ecom-llm-tiny', version.number),"
        " registry.mlflow.create_run(registry.experiment()).info.run_id,"
        " tags={'lock': 'old', 'snapshot': version.tags['snapshot'], 'complete': 'true'})\n"
        "print(made.version)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=copy, env=environment(), capture_output=True, text=True, check=True
    )
    told = ecom_llm(copy, "verify", done.stdout.split()[-1], check=False)
    assert told.returncode == 1 and told.stderr.count("\n") == 1
    assert "it is not signed: it was registered before versions were signed" in told.stderr
