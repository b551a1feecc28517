"""What a killed process leaves in a real embedded MLflow is completed or removed, and old versions go without the wrong ones."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.promote.decision import GateDecision
from ecom_llm.records import UserError
from ecom_llm.registry import Candidate, Registry, Version, decisions, open_registry, promote, rollback, withdraw
from ecom_llm.registry.agreeing import agree
from ecom_llm.registry.cleaning import old_versions, remove_old
from ecom_llm.registry.decisions import hashes_in, written_down
from ecom_llm.registry.journal import Journal
from ecom_llm.registry.mending import mend_workspace
from ecom_llm.registry.signing import BrokenLink
from tests.unit.test_registry import fill

REPO = Path(__file__).parents[2]
# MLflow's and its dependencies' own deprecations are no business of ours
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


class Killed(BaseException):
    """Stands for a kill at a certain line."""


@pytest.fixture(scope="module")
def params() -> Params:
    found = load_params(REPO / "params.yaml")
    return found.model_copy(update={"registry": found.registry.model_copy(update={"model_name": "shop"})})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Layout:
    """What the stages left, over a state folder with one registered version."""
    root = tmp_path_factory.mktemp("mending")
    layout = Layout(root / "run-0", root / "state")
    layout.workspace.mkdir()
    fill(layout, params)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_registry("shop", layout).register(Candidate(layout, params, "abc"))
    return layout


@pytest.fixture
def registry(made: Layout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """That registry, without what an earlier test has added to it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    found = open_registry("shop", made)
    yield found
    for alias in found.aliases():
        found.alias(alias, None)
    for version in found.versions()[:-1]:
        found.mlflow.delete_model_version("shop", version.number)
    for tag in {"promoted", "rolled_back", "gate", "compared_with", "decision_key"} & set(found.versions()[0].tags):
        found.mlflow.delete_model_version_tag("shop", found.versions()[0].number, tag)
    found.journal.file.unlink()
    found.mlflow.delete_registered_model_tag("shop", found.anchor_tag)
    found.announce(found.versions()[0])


def workspace(made: Layout, name: str) -> Layout:
    """Another finished workspace, with a lock of its own."""
    own = Layout(made.workspace.with_name(name), made.state)
    shutil.copytree(made.workspace, own.workspace)
    own.lock.write_text(f"schema: '2.0' # {name}\n")
    return own


def killed_before(
    registry: Registry, own: Layout, params: Params, monkeypatch: pytest.MonkeyPatch, tag: str | None
) -> None:
    """A registration that dies before it sets a tag of its version, or its last one; as a kill does, it leaves the run RUNNING."""
    kind = type(registry.mlflow)

    def dying(self, name, version, key, value, write=kind.set_model_version_tag):
        if key == tag:
            raise Killed
        return write(self, name, version, key, value)

    def told(*given: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(kind, "set_model_version_tag", dying)
        patch.setattr(Registry, "announce", told)
        with pytest.raises(Killed):
            registry.register(Candidate(own, params, "def"))
    [run] = registry.mlflow.search_runs([registry.experiment()], f"tags.workspace = '{own.workspace.name}'")
    registry.mlflow.update_run(run.info.run_id, status="RUNNING")


def status(registry: Registry, own: Layout) -> str:
    [run] = registry.mlflow.search_runs([registry.experiment()], f"tags.workspace = '{own.workspace.name}'")
    return run.info.status


def models(registry: Registry) -> int:
    """Model folders that lie there."""
    known = len(registry.mlflow.search_logged_models([registry.experiment()]))
    assert known == len(list(registry.layout.mlflow.rglob("artifacts/MLmodel")))
    return known


@pytest.mark.parametrize("damaged", [False, True])
def test_a_registration_killed_before_it_was_signed_or_damaged_since_is_removed(
    registry, made, params, monkeypatch, damaged
):
    own, before = workspace(made, f"run-1{damaged}"), models(registry)
    killed_before(registry, own, params, monkeypatch, "complete" if damaged else "signature")
    assert models(registry) == before + 1
    if damaged:
        [half] = [
            found for found in registry.mlflow.search_model_versions("name = 'shop'") if "complete" not in found.tags
        ]
        source = registry.mlflow.get_model_version_download_uri("shop", half.version)
        (Path(source.removeprefix("file://")) / "artifacts" / "model" / "config.json").write_text("{}")
    mended = mend_workspace(registry, own.workspace.name)
    assert [line.split(": ")[-1] for line in mended] == ["removed, the next run makes it anew", "KILLED"]
    assert (status(registry, own), models(registry)) == ("KILLED", before)
    assert len(registry.mlflow.search_model_versions("name = 'shop'")) == 1
    assert mend_workspace(registry, own.workspace.name) == []
    assert mend_workspace(registry, "nobody") is None


@pytest.mark.parametrize("tag", ["complete", None], ids=["before the last tag", "before the journal"])
def test_a_registration_killed_after_it_was_signed_is_completed(registry, made, params, monkeypatch, tag):
    own = workspace(made, f"run-2{tag}")
    killed_before(registry, own, params, monkeypatch, tag)
    mended = mend_workspace(registry, own.workspace.name)
    assert len(mended) == 2 and "now the journal tells" in mended[0]
    assert status(registry, own) == "FINISHED"
    newest = registry.versions()[0]
    assert registry.aliases()["candidate"] == newest.number
    last = registry.journal.read().entries[-1]
    assert (last.event, last.version, last.details["signature"]) == (
        "registered",
        newest.number,
        newest.tags["signature"],
    )
    assert registry.register(Candidate(own, params, "def")).number == newest.number
    assert mend_workspace(registry, own.workspace.name) == [] and agree(registry) == []


def decision(compared_with: str | None = None) -> GateDecision:
    return GateDecision(
        approved=True, model_name="shop", candidate="1", compared_with=compared_with, rules_key="r", checks=()
    )


@pytest.mark.parametrize("told", [False, True])
def test_a_decision_that_was_cut_off_is_kept_if_the_journal_tells_of_it(registry, tmp_path, monkeypatch, told):
    version, page = registry.versions()[0], tmp_path / "page.html"
    page.write_text("first")
    registry.record_decision(version, decision(), page)
    page.write_text("second")

    def dying(*given: object, **named: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(*((decisions, "keep", dying) if told else (Journal, "append", dying)))
        with pytest.raises(Killed):
            registry.record_decision(version, decision("7"), page)
    assert written_down(registry.journal).exists()
    mended = agree(registry)
    assert len(mended) == 1 and ("is kept with it" if told else "was dropped") in mended[0]
    last = [entry for entry in registry.journal.read().entries if entry.event == "decided"][-1]
    version = registry.version(version.number)
    assert registry.decision_hashes(version) == hashes_in(last.details)
    assert version.tags["compared_with"] == last.details["compared_with"] == ("7" if told else "")
    assert not written_down(registry.journal).exists() and agree(registry) == []


@pytest.fixture
def three(registry: Registry) -> list[Version]:
    """Three versions, champions one after the other; the second and third share the first one's files."""
    [first] = registry.versions()
    source, found = registry.mlflow.get_model_version_download_uri("shop", first.number), [first]
    for number in (2, 3):
        tags = {"lock": f"lock{number}", "complete": "true"}
        other = registry.mlflow.create_model_version("shop", source, first.run_id, tags=tags)
        found.append(registry.version(str(other.version)))
        registry.announce(found[-1])
    for version in found:
        promote(registry, version, by_hand=True)
    return found


def at_write(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], object]) -> bool:
    """Do something that dies at a write of its own to registry or journal; returns whether it got so far."""
    left = [number]
    with monkeypatch.context() as patch:
        for kind, name in ((Registry, "tag"), (Registry, "alias"), (Journal, "append"), (Registry, "anchor_to")):
            write = getattr(kind, name)

            def counting(*given: object, write=write, **named: object) -> object:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return write(*given, **named)

            patch.setattr(kind, name, counting)
        try:
            act()
        except Killed:
            return True
    return False


def test_a_change_of_the_champion_may_die_at_any_write(registry, three, monkeypatch):
    """Afterwards all is as before, or as if nobody had been killed, and the journal tells the same."""
    one, two, last = (version.number for version in three)
    for act, champion, previous, back in (
        (lambda: rollback(registry), two, one, lambda: promote(registry, three[2], by_hand=True)),
        (lambda: promote(registry, three[2], by_hand=True), last, two, lambda: rollback(registry)),
        (lambda: withdraw(registry, three[2], "w"), two, one, lambda: promote(registry, three[2], by_hand=True)),
        (lambda: rollback(registry, one), one, None, lambda: promote(registry, three[2], by_hand=True)),
        (lambda: promote(registry, three[1], by_hand=True), two, one, lambda: rollback(registry)),
    ):
        number, died = 0, True
        while died:
            before, aside = registry.aliases(), {found.number: found.rolled_back for found in registry.versions()}
            died = at_write(monkeypatch, number, act)
            agree(registry)
            aliases, chain = registry.aliases(), registry.journal.read()
            done = (aliases["champion"], aliases.get("previous")) == (champion, previous)
            assert done or (died and aliases == before), (number, before, aliases)
            assert chain.champion == aliases["champion"] and chain.head == registry.anchor() and not chain.faults
            assert not registry.champion().rolled_back
            assert done or aside == {found.number: found.rolled_back for found in registry.versions()}
            assert agree(registry) == []
            if died and done:
                back()
            number += 1
        assert number > 6


def test_taking_the_only_champion_back_may_die_at_any_write(registry, monkeypatch):
    """Afterwards it is champion as before, or nobody is and it does not return by itself."""
    [only] = registry.versions()
    number, died = 0, True
    while died:
        promote(registry, only, by_hand=True)
        died = at_write(monkeypatch, number, lambda: withdraw(registry, only, "it writes nothing"))
        agree(registry)
        champion, chain = registry.aliases().get("champion"), registry.journal.read()
        assert chain.champion == champion and chain.head == registry.anchor() and not chain.faults
        assert registry.version(only.number).rolled_back == (champion is None)
        assert champion is None or died
        assert agree(registry) == []
        number += 1
    assert number > 5 and registry.aliases() == {}
    with pytest.raises(UserError, match="was rolled back and does not return by itself"):
        promote(registry, only, by_hand=False)


def test_a_champion_that_is_not_the_one_meant_is_not_taken_back(registry, three):
    assert withdraw(registry, three[0], "w").number == three[2].number == registry.aliases()["champion"]


def test_where_all_before_are_broken_nobody_is_champion(registry, three):
    def broken(version: Version) -> None:
        raise BrokenLink("its weights were changed")

    assert withdraw(registry, three[2], "it writes nothing", broken) is None
    assert "champion" not in registry.aliases() and registry.journal.read().champion is None
    last = registry.journal.read().entries[-1]
    assert (last.event, last.version, last.details["why"]) == ("withdrawn", three[2].number, "it writes nothing")


def test_a_champion_s_alias_that_was_taken_away_returns(registry, three):
    registry.alias("champion", None)
    assert agree(registry) == [f"shop: version {three[2].number} is champion, and had lost the alias"]
    assert registry.aliases()["champion"] == three[2].number


def test_old_versions_go_and_champions_stay(registry, made, params, monkeypatch):
    kept = [registry.versions()[0]]
    promote(registry, kept[0], by_hand=True)
    others = [registry.register(Candidate(workspace(made, f"run-3{number}"), params, "def")) for number in range(3)]
    assert [version.number for version, _ in old_versions(registry, 1)] == [one.number for one in others[:2]]
    assert all(freed > 1000 for _, freed in old_versions(registry, 1))
    promote(registry, others[0], by_hand=True)
    rollback(registry)
    assert [version.number for version, _ in old_versions(registry, 1)] == [others[1].number], "one was champion"
    assert old_versions(registry, 1, busy=True) == [], "a run is at work, and may be deciding on it"
    unasked = {"gate": "approved", "compared_with": kept[0].number}
    for awaited in ({"gate": "approved", "approval": "awaited"}, {"approval": "approved"}, unasked):
        before = registry.version(others[1].number).tags
        for key, value in awaited.items():
            registry.tag(others[1].number, key, value)
        assert old_versions(registry, 1) == [], "a person is yet to answer, or has, or the gate alone has approved it"
        for key in awaited:
            registry.tag(others[1].number, key, before.get(key, ""))
    written = registry.journal.file.read_bytes()
    registry.journal.file.write_bytes(b"".join(written.splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match="no version is removed while its journal is damaged"):
        old_versions(registry, 1)
    registry.journal.file.unlink()
    with pytest.raises(UserError, match="no version is removed while its journal is damaged"):
        remove_old(registry, others[1], 1)
    registry.journal.file.write_bytes(written)
    count = models(registry)

    def dying(*given: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(registry.mlflow), "delete_model_version", dying)
        with pytest.raises(Killed):
            remove_old(registry, others[1], 1)
    assert agree(registry) == [f"shop: version {others[1].number} was half removed: now it is gone"]
    assert models(registry) == count - 1
    assert others[1].number not in {version.number for version in registry.versions()}
    assert not remove_old(registry, others[0], 1), "the journal names it"
