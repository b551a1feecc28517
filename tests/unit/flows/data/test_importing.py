"""Adding data from an address: DVC keeps the address, and what goes wrong undoes everything."""

from pathlib import Path

import pytest

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from flows.data import adding, importing
from flows.data.adding import add_source, added_lines
from flows.data.importing import add_address
from tests.serving import served


@pytest.fixture
def layout(tmp_path) -> Layout:
    (tmp_path / "shop" / "data" / "sources").mkdir(parents=True)
    return Layout(tmp_path / "shop", tmp_path / "state")


@pytest.fixture
def address(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "rows.csv").write_text("1\n")
    with served(tmp_path / "export") as host:
        yield f"{host}/rows.csv"


@pytest.fixture
def said(monkeypatch) -> list[tuple[str, ...]]:
    """DVC's commands, none of which is run; `.dvc` files hold the data itself for its sum."""
    told: list[tuple[str, ...]] = []

    def dvc(*words: str, cwd: Path, env: dict[str, str] | None = None) -> str:
        told.append(words)
        last = Path(words[-1])
        if words[0] == "import-url":
            assert not last.exists(), "DVC would import into a folder that is there"
            last.with_name(f"{last.name}.dvc").write_text(f"deps:\n- path: {words[-2]}\nouts: []\n")
        elif words[0] == "commit":
            data = last.with_suffix("").read_text()
            last.write_text(last.read_text().replace("outs: []", f"outs:\n- md5: {data!r}\n  path: rows.csv"))
        elif words[0] == "add":
            last.with_name(f"{last.name}.dvc").write_text("outs:\n- md5: added\n")
        return {"status": "{}", "config": "core.remote=x"}.get(words[0], "")

    monkeypatch.setattr(adding.dvc, "dvc", dvc)
    return told


def files(layout: Layout) -> dict[str, str]:
    return {path.name: path.read_text() for path in layout.sources.rglob("*") if path.is_file()}


def test_an_address_is_fetched_and_kept_by_dvc(layout, said, address, tmp_path):
    added = add_address(address, layout)
    assert [words[0] for words in said] == ["import-url", "commit", "config", "push"]
    assert files(layout)["rows.csv"] == "1\n" and f"path: {address}" in files(layout)["rows.csv.dvc"]
    assert "dvc update data/sources/rows.csv.dvc" in "\n".join(added_lines(added, layout))
    assert added.changed and not added.replaced
    again = add_address(address, layout)
    assert again.replaced and not again.changed
    (tmp_path / "export" / "rows.csv").write_text("2\n")
    assert add_address(address, layout).changed


def test_a_local_file_of_the_same_name_no_longer_names_the_address(layout, said, address, tmp_path):
    add_address(address, layout)
    (tmp_path / "rows.csv").write_text("mine\n")
    add_source(tmp_path / "rows.csv", layout)
    assert "deps" not in files(layout)["rows.csv.dvc"]


@pytest.mark.parametrize("step", ["import-url", "commit", "unchanged", "broken off"])
def test_whatever_fails_undoes_everything(layout, said, address, tmp_path, monkeypatch, step):
    add_address(address, layout)
    before = files(layout)
    (tmp_path / "export" / "rows.csv").write_text("2\n")
    real = adding.dvc.dvc

    def refuse(*words: str, **options: object) -> str:
        if words[0] == step:
            raise UserError("no")
        return real(*words, **options)

    monkeypatch.setattr(adding.dvc, "dvc", refuse)
    if step == "unchanged":
        monkeypatch.setattr(importing, "require_unchanged", lambda found: refuse(step) or real("x", cwd=tmp_path))
    wanted = address.replace("/rows.csv", "/short/rows.csv") if step == "broken off" else address
    with pytest.raises(UserError, match=r"no|broke off"):
        add_address(wanted, layout)
    assert files(layout) == before


def test_what_cannot_be_added_is_told(layout, said, address):
    with pytest.raises(UserError, match="there is nothing"):
        add_address(address.replace("rows", "none"), layout)
    with pytest.raises(UserError, match="holds a user or password"):
        add_address(address.replace("://", "://shop:sesame@"), layout)
    (layout.sources / "rows.csv").write_text("the user's own\n")
    with pytest.raises(UserError, match=f"DVC does not know it.*rename {address}"):
        add_address(address, layout)
    assert said == [] and files(layout) == {"rows.csv": "the user's own\n"}
