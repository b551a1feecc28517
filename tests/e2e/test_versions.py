"""Versions of the data in a small repository, with real git and real DVC: add, commit, add anew, go back."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecom_llm.layout import Layout
from ecom_llm.prepare.card.tally import make_card
from ecom_llm.records import Example, UserError
from flows.data import adding
from flows.data.adding import add_source
from flows.data.cards import compare, earlier_card
from flows.data.importing import add_address
from flows.data.restoring import restore, restored_lines
from flows.data.versions import resolve, version_lines, versions
from tasks import dvc
from tests.e2e.conftest import REPO, git
from tests.serving import served

pytestmark = pytest.mark.slow

STAGES = """\
stages:
  collect:
    cmd: mkdir -p data/collected && cp data/sources/card.json data/collected/rows
    deps: [data/sources]
    outs: [data/collected]
  prepare:
    cmd: mkdir -p reports && cp data/collected/rows reports/card.json
    deps: [data/collected]
    outs: [reports/card.json]
"""


@pytest.fixture(autouse=True)
def own_site(tmp_path, monkeypatch):
    """DVC's notes about files go with the test."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.delenv("ECOM_LLM_STATE", raising=False)


@pytest.fixture
def local(monkeypatch):
    """Data is not pushed: most tests need no remote, and each DVC process costs half a second."""
    monkeypatch.setattr(adding, "push", lambda pointers, layout: "")


@pytest.fixture
def shop(tmp_path) -> Layout:
    return begun(tmp_path / "shop")


def begun(root: Path) -> Layout:
    """A checkout with one commit, two stages that only copy, and no data."""
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "data/.gitignore"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / name, root / name)
    (root / "data" / "sources").mkdir()
    (root / "data" / "sources" / "README.md").write_text("yours\n")
    (root / "dvc.yaml").write_text(STAGES)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "a shop begins")
    return Layout.here(root)


def commit(root: Path, message: str, tag: str = "") -> None:
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", message)
    if tag:
        git(root, "tag", tag)


def export(layout: Layout, **files: str) -> Path:
    """A file or files outside the checkout, as a shop's system writes them; returns the last."""
    folder = layout.workspace.parent / "export"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder / f"{list(files)[-1]}.csv"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """v1 has products; v2 has other products, and reviews. Both are on the remote."""
    shop = begun(tmp_path_factory.mktemp("made") / "shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adding, "push", lambda pointers, layout: "")
        add_source(export(shop, products=V1["products.csv"]), shop)
        commit(shop.workspace, "first data", "v1")
        add_source(export(shop, products=V2["products.csv"]), shop)
        add_source(export(shop, reviews=V2["reviews.csv"]), shop)
        commit(shop.workspace, "more data", "v2")
    adding.ensure_remote(shop)
    chosen = (shop.workspace / ".dvc" / "config.local").read_text()
    adding.ensure_remote(shop)
    assert (shop.workspace / ".dvc" / "config.local").read_text() == chosen, "a remote that is configured stays"
    dvc.dvc("push", "--all-commits", cwd=shop.workspace)
    return shop.workspace


@pytest.fixture
def two_versions(made, tmp_path) -> Layout:
    """A copy of it, with a remote of its own."""
    root = tmp_path / "shop"
    shutil.copytree(made, root)
    settings = root / ".dvc" / "config.local"
    settings.write_text(settings.read_text().replace(str(made), str(root)))
    return Layout.here(root)


def contents(layout: Layout) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted(layout.sources.glob("*.csv"))}


V1 = {"products.csv": "id\n1\n"}
V2 = {"products.csv": "id\n1\n2\n", "reviews.csv": "stars\n5\n"}


def test_a_version_comes_back_to_the_byte_and_so_does_the_later_one(two_versions):
    shop = two_versions
    assert contents(shop) == V2
    back = restore("v1", shop, force=False)
    assert contents(shop) == V1
    assert back.removed == ("reviews.csv",)
    assert git(shop.workspace, "diff", "v1", "--", "data/sources/*.dvc") == ""
    assert git(shop.workspace, "log", "-1", "--format=%s") == "more data\n"
    restore("main", shop, force=False)
    assert contents(shop) == V2
    assert git(shop.workspace, "status", "--short") == ""


def test_with_the_cache_lost_a_version_comes_from_the_remote_or_everything_stays(two_versions):
    shop = two_versions
    shutil.rmtree(shop.state / "dvc")
    away = shop.remote.with_name("away")
    shop.remote.rename(away)
    with pytest.raises(UserError, match=r"v1: its data is not in DVC's cache, and could not be pulled"):
        restore("v1", shop, force=False)
    assert contents(shop) == V2
    assert git(shop.workspace, "status", "--short") == ""
    shutil.rmtree(shop.remote, ignore_errors=True)
    away.rename(shop.remote)
    advice = restored_lines("v1", restore("v1", shop, force=False))
    assert contents(shop) == V1

    # what is advised to reproduce its numbers leads to a clean checkout of that commit
    [command] = [line.strip() for line in advice if "git checkout" in line]
    *parts, run = command.split(" && ")
    assert run == "ecom-llm run"
    for part in parts:
        git(shop.workspace, *part.split()[1:])
    assert git(shop.workspace, "rev-parse", "HEAD") == git(shop.workspace, "rev-parse", "v1")
    assert contents(shop) == V1
    assert git(shop.workspace, "status", "--short") == ""


@pytest.mark.parametrize("lost", [False, True], ids=["cached", "cache lost"])
def test_edited_data_is_not_overwritten(two_versions, lost):
    shop = two_versions
    (shop.sources / "products.csv").write_text("by hand\n")
    if lost:
        shutil.rmtree(shop.state / "dvc")
    with pytest.raises(UserError, match=r"data/sources/products.csv: was edited since it was added"):
        restore("v1", shop, force=False)
    assert contents(shop) == V2 | {"products.csv": "by hand\n"}
    if not lost:
        with pytest.raises(UserError, match=r"data/sources/products.csv: was edited since it was added"):
            add_source(export(shop, products="id\n9\n"), shop)
        assert contents(shop) == V2 | {"products.csv": "by hand\n"}
        restore("v1", shop, force=True)
        assert contents(shop) == V1


def test_data_that_no_commit_names_is_not_overwritten(two_versions):
    shop = two_versions
    git(shop.workspace, "reset", "--quiet", "--soft", "v1")
    git(shop.workspace, "tag", "--delete", "v2")
    assert "not committed yet" in version_lines(versions(shop), shop)[0]
    with pytest.raises(UserError, match=r"products.csv.dvc: is in no commit"):
        restore("v1", shop, force=False)
    assert contents(shop) == V2


def test_a_file_that_dvc_does_not_know_is_not_overwritten(two_versions):
    shop = two_versions
    git(shop.workspace, "checkout", "--quiet", "v1")
    (shop.sources / "products.csv").write_text(V1["products.csv"])
    (shop.sources / "reviews.csv").write_text("mine\n")
    with pytest.raises(UserError, match=r"data/sources/reviews.csv: is not known to DVC"):
        restore("v2", shop, force=False)
    with pytest.raises(UserError, match=r"is there already, and DVC does not know it"):
        add_source(export(shop, reviews="stars\n1\n"), shop)
    assert contents(shop) == V1 | {"reviews.csv": "mine\n"}


def test_versions_are_listed_with_what_changed_and_where_we_are(two_versions):
    shop = two_versions
    lines = version_lines(versions(shop), shop)
    assert [line[0] + line[25:] for line in lines if line[2] != " "] == ["* more data (v2)", "  first data (v1)"]
    assert [line.strip() for line in lines if line[2] == " "] == [
        "~ products.csv 7 B",
        "+ reviews.csv 8 B",
        "+ products.csv 5 B",
    ]
    git(shop.workspace, "checkout", "--quiet", "v1")
    assert [line[0] for line in version_lines(versions(shop), shop) if line[2] != " "] == [" ", "*"]


def test_a_folder_is_one_version_and_data_in_place_is_versioned_where_it_is(shop, local):
    folder = shop.workspace.parent / "feed"
    folder.mkdir()
    (folder / "a.csv").write_text("1\n")
    assert not add_source(folder, shop).replaced
    (folder / "b.csv").write_text("2\n")
    again = add_source(folder, shop)
    assert again.replaced and again.changed
    assert sorted(file.name for file in (shop.sources / "feed").iterdir()) == ["a.csv", "b.csv"]
    (shop.sources / "feed" / "a.csv").write_text("edited\n")
    assert add_source(shop.sources / "feed", shop).changed
    commit(shop.workspace, "a feed")
    assert git(shop.workspace, "ls-files", "data/sources").split() == [
        "data/sources/.gitignore",
        "data/sources/README.md",
        "data/sources/feed.dvc",
    ]
    assert sorted(file.name for file in shop.sources.iterdir()) == [".gitignore", "README.md", "feed", "feed.dvc"]


def card(layout: Layout, word: str) -> Path:
    """A data card as a data file: the stages of this shop only copy it."""
    manifest = SimpleNamespace(
        groups={}, items=0, tables={}, personal_data={}, near_copies_of_test_in_train=0
    )  # what a card takes from one
    examples = [
        Example(
            id=f"describe:en:{number}",
            skill="describe",
            locale="en",
            attributes={"category": word},
            target=" ".join([word] * (5 if word == "hat" else 9)),
            product=str(number),
            group=str(number),
            split="train",
            source=f"p.csv:{number + 1}",
        )
        for number in range(200)
    ]
    path = layout.workspace.parent / "card.json"
    path.write_text(make_card(examples, manifest, {}, {}).model_dump_json())
    return path


def repro(layout: Layout) -> None:
    dvc.dvc("repro", cwd=layout.workspace, env=dvc.environment(layout))


def test_the_card_of_an_earlier_version_is_found_by_its_own_lock(shop, local):
    """Who commits data first and its results later has an old lock beside new data in between."""
    add_source(card(shop, "hat"), shop)
    repro(shop)
    commit(shop.workspace, "hats, and their lock", "v1")
    add_source(card(shop, "coat"), shop)
    commit(shop.workspace, "coats, with the lock of hats", "v2")
    with pytest.raises(UserError, match=r"v2: no data card of it was found"):
        earlier_card("v2", shop)
    repro(shop)
    dvc.dvc("exp", "save", "--name", "night-run", cwd=shop.workspace)
    found, commit_ = earlier_card("v2", shop)
    assert found.slices[0].categories.top == {"coat": 200}
    assert commit_ == resolve("night-run", shop)
    told = "\n".join(compare(found, "v1", False, shop))
    assert "new: coat; lost: hat" in told
    [page] = shop.pages.glob("card-against-*.html")
    assert "Against v1" in page.read_text()

    (shop.workspace / ".dvc" / "config.local").write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {shop.remote}\n"
    )
    dvc.dvc("push", cwd=shop.workspace)
    shutil.rmtree(shop.state / "dvc")
    commit(shop.workspace, "the lock of coats")
    assert earlier_card("main", shop)[0].slices[0].categories.top == {"coat": 200}


def test_data_from_an_address_is_kept_and_dvc_fetches_it_again(shop, tmp_path):
    """The real DVC: our `.dvc` file is the one it would have written, and its bytes reach the remote."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "rows.csv").write_text("1\n")
    with served(tmp_path / "export") as host:
        assert add_address(f"{host}/rows.csv", shop).unpushed == ""
        assert any(path.read_text() == "1\n" for path in shop.remote.rglob("*") if path.is_file())
        commit(shop.workspace, "rows", "v1")
        assert git(shop.workspace, "ls-files", "data/sources/rows.csv") == ""
        (tmp_path / "export" / "rows.csv").write_text("1\n2\n")
        dvc.dvc("update", "data/sources/rows.csv.dvc", cwd=shop.workspace)
    assert contents(shop) == {"rows.csv": "1\n2\n"}
    commit(shop.workspace, "more rows")
    restore("v1", shop, force=False)  # the address is gone by now, and nothing asks it
    assert contents(shop) == {"rows.csv": "1\n"}
