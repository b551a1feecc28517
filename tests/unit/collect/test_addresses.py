"""collect from addresses: the bytes of a local copy, a clear word for what goes wrong, and no secret anywhere."""

import gzip
import sys
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest

from ecom_llm.collect import addresses, location
from ecom_llm.collect.addresses import connect, fetch, files_at
from ecom_llm.collect.rejected import Rejected
from ecom_llm.collect.stage import run
from ecom_llm.layout import Layout
from ecom_llm.params import Source, load_params
from ecom_llm.records import UserError, read_jsonl
from tests.serving import served

REPO = Path(__file__).parents[3]
ROWS = "product,stars,text\nP1,5,good\nP1,6,bad\n" + "".join(f"P{n},{n % 5 + 1},text {n}\n" for n in range(500))


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "workspace", tmp_path / "state")


@pytest.fixture
def shop(tmp_path):
    """A folder with one packed file of reviews."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "reviews.csv.gz").write_bytes(gzip.compress(ROWS.encode(), mtime=0))
    return folder


@pytest.fixture
def address(shop):
    with served(shop) as found:
        yield found


@pytest.fixture
def memory(monkeypatch):
    """A bucket in memory: fsspec's own file system, which has folders as those of S3 are, under the name of s3."""
    system = fsspec.filesystem("memory", skip_instance_cache=True)
    system.store, system.pseudo_dirs = {}, [""]
    monkeypatch.setattr(addresses, "connect", lambda address: (system, "/" + address.partition("://")[2].rstrip("/")))
    return system


def params(place, *sources):
    sources = sources or (source("tables"),)
    default = load_params(REPO / "params.yaml")
    collect = default.collect.model_copy(update={"location": place, "sources": sources})
    return default.model_copy(update={"collect": collect})


def source(form, path=".", **values):
    return Source.model_validate({"form": form, "path": path, "locale": "en", "weight": 1.0, "columns": {}} | values)


def bytes_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_http_and_a_local_copy_give_the_same_bytes(layout, shop, address, tmp_path):
    local = Layout(tmp_path / "local", tmp_path / "state")
    run(params(str(shop)), local)
    run(params(f"{address}/reviews.csv.gz"), layout)
    assert bytes_of(layout.collected) == bytes_of(local.collected)
    (rejected,) = read_jsonl(layout.collected / "rejected.jsonl", Rejected)
    assert (rejected.source, rejected.row) == ("reviews.csv.gz", 3)
    assert [path.name for path in layout.collected.parent.iterdir()] == ["collected"], "nothing of the download is left"


def test_a_folder_of_objects_and_a_local_copy_give_the_same_bytes(layout, shop, memory, tmp_path):
    (shop / "north").mkdir()
    (shop / "north" / "products.csv").write_text("id,title\nP1,Pan\n")
    (shop / "north" / "deep").mkdir()
    (shop / "north" / "deep" / "reviews.csv").write_text("no table of north\n")
    for path in shop.rglob("*.*"):
        memory.pipe(f"/bucket/shop/{path.relative_to(shop)}", path.read_bytes())
    chosen = (source("tables", "north", weight=0.5), source("tables", "reviews.csv.gz"))
    local = Layout(tmp_path / "local", tmp_path / "state")
    run(params(str(shop), *chosen), local)
    run(params("s3://bucket/shop", *chosen), layout)
    assert bytes_of(layout.collected) == bytes_of(local.collected)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.csv", "there is nothing"),
        ("500/reviews.csv", "its server answered with the error 500"),
        ("403/reviews.csv", r"may not be read \(403\).*netrc"),
        ("private/reviews.csv", r"may not be read \(401\).*netrc"),
        ("short/reviews.csv", r"broke off after .* of 1,000,000 bytes"),
        ("folder", "leads to a folder, which http cannot list"),
        ("", "leads to a folder, which http cannot list"),
        ("login.html", "is a web page"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_leaves_what_was_there(layout, shop, address, path, said):
    (shop / "folder").mkdir()
    (shop / "login.html").write_text("<html>")
    layout.collected.mkdir(parents=True)
    (layout.collected / "old").write_text("old")
    with pytest.raises(UserError, match=said):
        run(params(f"{address}/{path}"), layout)
    assert bytes_of(layout.workspace) == {"data/collected/old": b"old"}


def test_a_host_that_does_not_answer_is_told(layout):
    with pytest.raises(UserError, match=r"http://127.0.0.1:9/x.csv: does not answer \(.*\). Check address and network"):
        run(params("http://127.0.0.1:9/x.csv"), layout)
    assert bytes_of(layout.workspace) == {}


def test_a_redirect_does_not_tell_its_signature(address):
    with pytest.raises(UserError, match="error 500") as told:
        files_at(f"{address}/signed/x.csv")
    assert "sesame" not in str(told.value) and told.value.__cause__ is None and told.value.__suppress_context__


def test_credentials_come_from_netrc(layout, shop, address, tmp_path, monkeypatch):
    (shop / "private").mkdir()
    (shop / "private" / "products.csv").write_text("id,title\nP1,Pan\n")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login shop password sesame\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    run(params(f"{address}/private/products.csv"), layout)
    assert all(b"sesame" not in content for content in bytes_of(layout.collected).values())


def test_a_fault_in_the_rows_names_the_address_and_not_the_copy(layout, shop, address):
    (shop / "products.csv").write_text("id,name\nP1,Pan\n")
    with pytest.raises(UserError) as told:
        run(params(f"{address}/products.csv"), layout)
    assert f"{address}/products.csv" in str(told.value) and str(layout.workspace) not in str(told.value)


def test_http_is_one_file_and_no_path_leads_out_of_a_location(layout, address):
    with pytest.raises(UserError, match=r"is one file, since http lists no folders. The path is then '.'"):
        run(params(f"{address}/reviews.csv.gz", source("tables", "reviews.csv.gz")), layout)
    with pytest.raises(UserError, match="leads out of"):
        run(params("s3://bucket/shop", source("tables", "../other")), layout)


def test_an_object_whose_name_leads_out_of_its_folder_is_refused(memory, tmp_path):
    memory.store["/bucket/shop/a/../../../out.csv"] = memory.open("/x", "wb")
    with pytest.raises(UserError, match="leads out of its folder"):
        addresses.away("s3://bucket/shop/../out.csv", "../out.csv", {"name": "x", "size": 1})


def test_what_changes_while_it_is_read_is_refused(layout, shop, address, monkeypatch):
    """DVC hashes after the stage: the lock would name the new content over the old one's tables."""

    def fetch_and_change(file, target):
        fetch(file, target)
        (shop / "reviews.csv.gz").write_bytes(b"another")

    monkeypatch.setattr(location, "fetch", fetch_and_change)
    with pytest.raises(UserError, match=r"reviews\.csv\.gz: changed while it was read"):
        run(params(f"{address}/reviews.csv.gz"), layout)
    assert bytes_of(layout.workspace) == {}


def test_a_file_of_another_length_than_was_told_is_refused(memory, tmp_path):
    memory.pipe("/bucket/rows.csv", b"id\n1\n")
    (file,) = files_at("s3://bucket/rows.csv")
    with pytest.raises(UserError, match=r"broke off after 5 of 9 bytes"):
        fetch(replace(file, size=9), tmp_path / "rows.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_tells_no_version_is_named(layout, shop, address, caplog):
    with pytest.raises(UserError, match=r"no table|products"):
        run(params(f"{address}/nameless/x.csv"), layout)
    assert "neither ETag nor Last-Modified" in caplog.text


def test_a_download_that_is_interrupted_leaves_nothing(address, tmp_path, monkeypatch):
    (file,) = files_at(f"{address}/reviews.csv.gz")
    monkeypatch.setattr(addresses, "BLOCK", 100)

    def cut(blocks, what, total):
        yield next(iter(blocks))
        raise KeyboardInterrupt

    monkeypatch.setattr(addresses, "watched_bytes", cut)
    with pytest.raises(KeyboardInterrupt):
        fetch(file, tmp_path / "got" / "reviews.csv.gz")
    assert list((tmp_path / "got").iterdir()) == []


def test_blocks_are_bounded(address, monkeypatch):
    (file,) = files_at(f"{address}/reviews.csv.gz")
    monkeypatch.setattr(addresses, "BLOCK", 64)
    sizes = [len(block) for block in addresses.blocks(file)]
    assert max(sizes) <= 64 and sum(sizes) == file.size


@pytest.mark.parametrize(("scheme", "advice"), [("s3", r"\.\[s3\]"), ("gs", "dvc-gs"), ("azure", "dvc-azure")])
def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch, scheme, advice):
    monkeypatch.setitem(sys.modules, f"dvc_{scheme}", None)
    with pytest.raises(UserError, match=f"is not installed .* To install it: pip install .*{advice}"):
        connect(f"{scheme}://bucket/folder")
