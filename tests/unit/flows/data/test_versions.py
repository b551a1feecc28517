"""Adding data and speaking of its versions, without DVC: what is refused, what is undone, what is told."""

import json
import subprocess
from pathlib import Path

import pytest
from cyclopts import App

from ecom_llm.layout import Layout
from ecom_llm.prepare.card.drift import DriftRow
from ecom_llm.records import UserError
from flows.data import adding, cards, restoring, versions
from flows.data import commands as data
from flows.data.adding import Added, add_source, added_lines
from flows.data.cards import card_lines, drift_lines
from flows.data.restoring import Restored, restore, restored_lines
from flows.data.versions import Version, changes, edited_data, spoken_size, version_lines
from tests.unit.prepare.card.conftest import card_of

POINTER = "outs:\n- md5: {sum}\n  size: {size}\n  hash: md5\n  path: {name}\n"


def pointer(name: str, size: int, total: str = "0") -> str:
    return POINTER.format(sum=total, size=size, name=name)


@pytest.fixture
def layout(tmp_path) -> Layout:
    (tmp_path / "shop" / "data" / "sources").mkdir(parents=True)
    (tmp_path / "shop" / "data" / "sources" / ".gitignore").write_text("/old.csv\n")
    return Layout(tmp_path / "shop", tmp_path / "state")


@pytest.fixture
def said(monkeypatch) -> list[tuple[str, ...]]:
    """DVC's commands, none of which is run; `add` writes a pointer."""
    told: list[tuple[str, ...]] = []

    def dvc(*words: str, cwd: Path, env: dict[str, str] | None = None) -> str:
        told.append(words)
        if words[0] == "add":
            path = cwd / words[1]
            path.with_name(path.name + ".dvc").write_text(pointer(path.name, path.stat().st_size, path.read_text()))
        return {"status": "{}", "config": "core.analytics=false"}.get(words[0], "")

    monkeypatch.setattr(adding.dvc, "dvc", dvc)
    return told


def test_an_added_file_is_copied_versioned_and_pushed(layout, said, tmp_path):
    (tmp_path / "rows.csv").write_text("1\n")
    added = add_source(tmp_path / "rows.csv", layout)
    assert added == Added(layout.sources / "rows.csv", changed=True, replaced=False, unpushed="")
    assert (layout.sources / "rows.csv").read_text() == "1\n"
    assert [words[0] for words in said] == ["add", "config", "remote", "push"]
    assert said[2] == ("remote", "add", "--local", "--default", "local", str(layout.state / "remote"))
    assert "git add data/sources/rows.csv.dvc data/sources/.gitignore" in "\n".join(added_lines(added, layout))


def test_an_equal_name_is_a_new_version_and_equal_bytes_are_none(layout, said, tmp_path):
    (tmp_path / "rows.csv").write_text("1\n")
    add_source(tmp_path / "rows.csv", layout)
    again = add_source(tmp_path / "rows.csv", layout)
    assert (again.changed, again.replaced) == (False, True)
    assert "unchanged" in added_lines(again, layout)[0]
    (tmp_path / "rows.csv").write_text("2\n")
    newer = add_source(tmp_path / "rows.csv", layout)
    assert (newer.changed, newer.replaced) == (True, True)
    assert "a new version" in added_lines(newer, layout)[0]
    assert (layout.sources / "rows.csv").read_text() == "2\n"


def test_a_refusal_of_dvc_undoes_the_copy(layout, said, monkeypatch, tmp_path):
    (tmp_path / "rows.csv").write_text("1\n")
    add_source(tmp_path / "rows.csv", layout)
    before = {file.name: file.read_text() for file in layout.sources.iterdir()}
    working = adding.dvc.dvc

    def refuse(*words: str, cwd: Path) -> str:
        working(*words, cwd=cwd)
        if words[0] == "add":
            (layout.sources / ".gitignore").write_text("/rows.csv\n")
            raise UserError("dvc add failed: disk")
        return "{}"

    monkeypatch.setattr(adding.dvc, "dvc", refuse)
    for name in ("rows.csv", "more.csv"):
        (tmp_path / name).write_text("2\n")
        with pytest.raises(UserError, match="disk"):
            add_source(tmp_path / name, layout)
        (layout.sources / "more.csv.dvc").unlink(missing_ok=True)
        assert {file.name: file.read_text() for file in layout.sources.iterdir()} == before


def test_an_interruption_while_copying_leaves_what_was_there(layout, said, monkeypatch, tmp_path):
    (tmp_path / "rows.csv").write_text("1\n")
    add_source(tmp_path / "rows.csv", layout)

    def interrupt(source: Path, target: Path) -> None:
        target.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(adding.shutil, "copyfile", interrupt)
    with pytest.raises(KeyboardInterrupt):
        add_source(tmp_path / "rows.csv", layout)
    assert (layout.sources / "rows.csv").read_text() == "1\n"
    assert sorted(file.name for file in layout.sources.iterdir()) == [".gitignore", "rows.csv", "rows.csv.dvc"]


def test_what_cannot_be_added_is_named(layout, said, tmp_path):
    with pytest.raises(UserError, match=r"none.csv: there is no such file"):
        add_source(tmp_path / "none.csv", layout)
    with pytest.raises(UserError, match=r"shop: holds .*sources itself"):
        add_source(layout.workspace, layout)
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "gone.csv").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"gone.csv: cannot be copied \(.*No such file"):
        add_source(tmp_path / "feed", layout)
    assert [file.name for file in layout.sources.iterdir()] == [".gitignore"]
    assert not said


def test_a_remote_that_fails_is_told_and_undoes_nothing(layout, said, monkeypatch, tmp_path):
    working = adding.dvc.dvc

    def fail(*words: str, cwd: Path) -> str:
        if words[0] == "push":
            raise UserError("no route to host")
        return working(*words, cwd=cwd)

    monkeypatch.setattr(adding.dvc, "dvc", fail)
    (tmp_path / "rows.csv").write_text("1\n")
    added = add_source(tmp_path / "rows.csv", layout)
    assert (layout.sources / "rows.csv.dvc").exists()
    assert "no route to host). Later: dvc push data/sources/rows.csv.dvc" in added_lines(added, layout)[-1]


def test_data_missing_from_the_cache_is_edited_only_if_its_sum_differs(layout, monkeypatch):
    for name in ("kept.csv", "edited.csv", "changed.csv"):
        (layout.sources / name).write_text(name)
        (layout.sources / f"{name}.dvc").write_text(pointer(name, 1))

    def dvc(*words: str, cwd: Path) -> str:
        if words[0] == "add":
            if "edited" in words[1]:
                (cwd / f"{words[1]}.dvc").write_text("another sum")
            return ""
        states = {
            "kept.csv": "not in cache",
            "edited.csv": "not in cache",
            "changed.csv": "modified",
            "no.csv": "deleted",
        }
        return json.dumps(
            {
                f"data/sources/{name}.dvc": [{"changed outs": {f"data/sources/{name}": state}}]
                for name, state in states.items()
            }
        )

    monkeypatch.setattr(versions.dvc, "dvc", dvc)
    assert edited_data(["any"], layout) == ["data/sources/edited.csv", "data/sources/changed.csv"]
    assert (layout.sources / "edited.csv.dvc").read_text() == pointer("edited.csv", 1)


def test_changes_are_told_with_their_sizes():
    before = {"data/sources/a.csv.dvc": pointer("a.csv", 10), "data/sources/b.csv.dvc": pointer("b.csv", 10)}
    now = {"data/sources/a.csv.dvc": pointer("a.csv", 1_250_000), "data/sources/c.csv.dvc": pointer("c.csv", 999)}
    assert list(changes(before, now)) == ["~ a.csv 1.25 MB", "- b.csv", "+ c.csv 999 B"]
    assert spoken_size(pointer("x", 3_400_000_000_000)) == "3.4 TB"


def test_the_version_in_the_checkout_has_a_star(layout):
    text = pointer("a.csv", 10)
    (layout.sources / "a.csv.dvc").write_text(text)
    name = "data/sources/a.csv.dvc"
    found = [
        Version("b" * 40, "v2", "2026-01-02", "more", {name: "another"}, ("~ a.csv 3 B",)),
        Version("a" * 40, "", "2026-01-01", "first", {name: text}, ("+ a.csv 10 B",)),
    ]
    assert version_lines(found, layout) == [
        "  bbbbbbbbbb  2026-01-02  more (v2)",
        "      ~ a.csv 3 B",
        "* aaaaaaaaaa  2026-01-01  first",
        "      + a.csv 10 B",
    ]
    assert "not committed yet" in version_lines(found[:1], layout)[0]
    (layout.sources / "a.csv.dvc").unlink()
    assert version_lines([], layout) == ["No data was added yet: ecom-llm add PATH"]


def test_a_version_without_data_or_unknown_to_git_is_named(layout):
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=layout.workspace, check=True)

    git("init", "--quiet")
    git("add", "-A")
    git("commit", "--quiet", "-m", "no data")
    with pytest.raises(UserError, match=r"v9: git knows no such commit, tag or branch. ecom-llm data versions"):
        restore("v9", layout, force=False)
    with pytest.raises(UserError, match=r"HEAD: holds no data of data/sources"):
        restore("HEAD", layout, force=False)


def test_a_failure_while_going_back_undoes_it(layout, monkeypatch):
    name = "data/sources/a.csv.dvc"
    (layout.workspace / name).write_text("the present one")
    wanted = {name: pointer("a.csv", 1), "data/sources/b.csv.dvc": pointer("b.csv", 1)}
    monkeypatch.setattr(restoring, "resolve", lambda version, layout: "c" * 40)
    monkeypatch.setattr(restoring, "pointers_at", lambda *_: wanted)
    monkeypatch.setattr(restoring, "require_saved", lambda *_: None)

    def interrupted(*_: object) -> None:
        (layout.sources / "b.csv").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(restoring, "fetch", interrupted)
    monkeypatch.setattr(restoring, "checkout", lambda *_, **__: None)
    monkeypatch.setattr(restoring, "outs", lambda name, text, layout: [(layout.workspace / name).with_suffix("")])
    with pytest.raises(KeyboardInterrupt):
        restore("v1", layout, force=False)
    assert (layout.workspace / name).read_text() == "the present one"
    assert not (layout.sources / "b.csv").exists() and not (layout.sources / "b.csv.dvc").exists()


def test_restored_data_is_ignored_by_git(layout):
    restoring.write({"data/sources/new.csv.dvc": pointer("new.csv", 1)}, layout)
    assert (layout.sources / ".gitignore").read_text() == "/old.csv\n/new.csv\n"


def test_what_came_back_is_told():
    told = restored_lines("v1", Restored("a" * 40, {"data/sources/a.csv.dvc": pointer("a.csv", 10)}, ("b.csv",)))
    assert told[:3] == [
        "The data is that of v1 (aaaaaaaaaa) again:",
        "  a.csv 10 B",
        "  b.csv is gone: that version does not have it",
    ]
    assert restored_lines("aaaaaaa", Restored("a" * 40, {}, ()))[0] == "The data is that of aaaaaaaaaa again:"


def test_a_card_on_the_terminal():
    told = card_lines(card_of(50, 1, email=3))
    assert told[0].split() == ["skill/locale", "largest", "category", "examples", "characters", "words"]
    assert told[1].startswith("describe/en") and " 50 " in told[1]
    assert told[-2:] == ["rows: 90 kept, 6 duplicates, 4 rejected", "personal data replaced: email 3"]


def test_drift_on_the_terminal_names_what_moved_and_counts_the_rest():
    moved = DriftRow(slice="all", what="skills", psi=0.3, chance=0.01, verdict="moved a lot", said="new: answer")
    still = moved.model_copy(update={"verdict": "unchanged", "said": "same shares", "what": "locales"})
    told = drift_lines([moved, still], everything=False)
    assert told[1].split() == ["all", "skills", "0.300", "moved", "a", "lot", "new:", "answer"]
    assert told[2:] == ["1 more did not move."]
    assert len(drift_lines([moved, still], everything=True)) == 3
    assert drift_lines([still], everything=False) == ["1 more did not move."]


@pytest.fixture
def commands(monkeypatch, layout) -> App:
    """The command line with `data` in it, in this checkout."""
    monkeypatch.setattr(data, "enter", lambda: (layout, None))
    app = App(name="ecom-llm", result_action="return_value")
    app.command(data.app)
    return app


def test_the_card_command_shows_the_card_and_says_when_it_is_old(commands, layout, monkeypatch, capsys):
    page = layout.card
    page.parent.mkdir(parents=True)
    page.write_text(card_of(20, 1).model_dump_json())
    monkeypatch.setattr(cards.dvc, "dvc", lambda *words, cwd: '{"prepare": [{"changed deps": {}}]}')
    commands(["data", "card"])
    told = capsys.readouterr().out
    assert "describe/zh" in told and "card.html" in told
    assert "dvc repro prepare" in told
    monkeypatch.setattr(cards, "earlier_card", lambda version, layout: (card_of(60, 2, longest=20), "d" * 40))
    monkeypatch.setattr(cards.dvc, "dvc", lambda *words, cwd: "{}")
    commands(["data", "card", "--against", "v1"])
    told = capsys.readouterr().out
    assert told.startswith("Against v1 (dddddddddd):")
    assert "120 -> 40 examples (-67%)" in told
    assert "dvc repro" not in told
    assert "Against v1" in (layout.pages / "card-against-dddddddddd.html").read_text()


def test_the_other_commands_reach_their_functions(commands, layout, monkeypatch, capsys):
    monkeypatch.setattr(versions, "versions", lambda layout: [])
    commands(["data", "versions"])
    assert "No data was added yet" in capsys.readouterr().out
    asked: list[object] = []
    monkeypatch.setattr(
        restoring,
        "restore",
        lambda version, layout, force: asked.append((version, force)) or Restored("a" * 40, {}, ()),
    )
    commands(["data", "restore", "v1", "--force"])
    commands(["data", "restore", "v1"])
    assert asked == [("v1", True), ("v1", False)]
    assert "ecom-llm run" in capsys.readouterr().out
