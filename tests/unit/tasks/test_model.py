"""The tasks that act on the registry, over a registry in memory."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from httpx import ConnectError

from ecom_llm.evaluate.evidence import Evidence
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.gate import Entrant
from ecom_llm.records import UserError
from ecom_llm.registry import Version
from ecom_llm.registry.signing import BrokenLink
from ecom_llm.registry.versions import TRIAL
from tasks import back, fresh, gpu, model
from tasks.champion import CandidateRun

REPO = Path(__file__).parents[3]
LENIENT = {"metric": "bits_per_byte", "skill": "all", "locale": "all", "greater_is_better": False}


def version(number: str, **tags: str) -> Version:
    return Version(model_name="shop", number=number, run_id=number, tags={"snapshot": "0" * 40, **tags})


@dataclass
class MemoryRegistry:
    """Versions, and what was decided on them."""

    versions: dict[str, Version]
    test_sets: dict[str, str]
    now: str | None = None
    signatures: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    """Version -> metric -> locale -> signature."""
    prepared: dict[str, str] = field(default_factory=dict)
    """Version -> digest of the data it was measured beside."""
    decisions: list[tuple[str, GateDecision, str]] = field(default_factory=list)

    def champion(self) -> Version | None:
        return self.versions[self.now] if self.now else None

    def entrant(self, asked: Version) -> Entrant:
        metrics = {"all": {"all": {"bits_per_byte": float(asked.number)}}}
        evidence = Evidence(
            test_set=self.test_sets[asked.number],
            prepared=self.prepared.get(asked.number, ""),
            tokenizer="t",
            examples=0,
            metrics=metrics,
            baselines={},
            signatures=self.signatures.get(asked.number, {}),
        )
        return Entrant("shop", asked.number, evidence, [], asked.rolled_back)

    def files(self, asked: Version, folder: Path) -> Layout:
        (folder / "params.yaml").write_bytes((REPO / "params.yaml").read_bytes())
        return Layout(folder, folder / "state")

    def model_folder(self, asked: Version) -> Path:
        return Path("model") / asked.number

    def tag(self, number: str, key: str, value: str) -> None:
        self.versions[number] = version(number, **self.versions[number].tags | {key: value})

    def keep_trial(self, asked: Version, passed: bool) -> None:
        self.tag(asked.number, TRIAL, "passed" if passed else "failed")

    def record_decision(self, asked: Version, decision: GateDecision, page: Path) -> None:
        self.decisions.append((asked.number, decision, page.read_text()))

    def url(self, asked: Version) -> None:
        return None

    run_url = url


@pytest.fixture
def registry(monkeypatch, tmp_path) -> MemoryRegistry:
    known = MemoryRegistry({"1": version("1"), "2": version("2", rolled_back="true")}, {"1": "same", "2": "same"})
    monkeypatch.setattr(model, "open_registry", lambda name, layout: known)
    monkeypatch.setattr(model, "is_kept", lambda *_: False)
    monkeypatch.setattr(model, "require", lambda *_: None)
    monkeypatch.setattr("ecom_llm.promote.gate.sanity_checks", lambda candidate, rules: [])  # these numbers are made up
    monkeypatch.setattr(
        model, "render_page", lambda layout, params, decision, snapshot, *_: f"{decision.verdict} {snapshot}"
    )
    for name in ("publish_decision", "publish_links", "publish_metrics"):
        monkeypatch.setattr(model, name, lambda *_: None)
    monkeypatch.chdir(tmp_path)
    return known


def rules(threshold: float):
    params = load_params(REPO / "params.yaml")
    kept = params.promote.model_copy(update={"regressions": (), "thresholds": ()})
    bound = type(params.promote.thresholds[0])(**LENIENT, threshold=threshold)
    return params.model_copy(update={"promote": kept.model_copy(update={"thresholds": (bound,)})})


def test_todays_rules_decide_and_the_decision_is_kept_with_its_page(registry):
    approved = model.decide_again.fn(registry.versions["1"], rules(threshold=1.5))
    refused = model.decide_again.fn(registry.versions["1"], rules(threshold=0.5))
    assert (approved.approved, refused.approved) == (True, False)
    assert [(number, decision.approved) for number, decision, _ in registry.decisions] == [("1", True), ("1", False)]
    assert registry.decisions[0][2] == f"{approved.verdict} {'0' * 40}"


def test_a_person_may_bring_a_rolled_back_version_back(registry):
    assert model.decide_again.fn(registry.versions["2"], rules(threshold=9)).approved


def test_the_champion_is_measured_anew_only_where_it_was_measured_otherwise(registry, monkeypatch):
    run = CandidateRun(Path("base"), "0" * 40, Layout(Path("w"), Path("s")))
    candidate = registry.entrant(registry.versions["2"])
    anew, promoting = [], load_params(REPO / "params.yaml").promote
    monkeypatch.setattr(
        model, "measured_anew", lambda entrant, folder, run: anew.append((entrant.version, folder)) or entrant
    )
    monkeypatch.setattr(model.git, "has_commit", lambda base, sha: known)
    known = True
    assert model.rival(registry, candidate, run, promoting) is None
    registry.now = "1"
    assert model.rival(registry, candidate, run, promoting).version == "1"
    assert anew == []
    registry.test_sets["1"] = "other"
    known = False  # a version from another clone: the gate will say that they are not comparable
    assert model.rival(registry, candidate, run, promoting).evidence.test_set == "other"
    assert anew == []
    known = True
    model.rival(registry, candidate, run, promoting)
    assert anew == [("1", Path("model/1"))]
    registry.test_sets["1"] = registry.test_sets["2"]
    registry.signatures = {"1": {"attribute_coverage": {"en": "han:jieba 1"}}, "2": {}}
    model.rival(registry, candidate, run, promoting)  # what only one has cannot differ
    assert anew == [("1", Path("model/1"))]
    registry.signatures["2"] = {"attribute_coverage": {"en": "han:jieba 2"}}
    model.rival(registry, registry.entrant(registry.versions["2"]), run, promoting)
    assert anew == [("1", Path("model/1"))] * 2
    registry.signatures, registry.prepared = {}, {"1": "a", "2": "b"}  # the same test set, but the catalogue grew
    model.rival(registry, registry.entrant(registry.versions["2"]), run, promoting)
    assert anew == [("1", Path("model/1"))] * 3


@pytest.mark.parametrize("change", [None, "page", "tag", "words in MLflow", "decision", "rules", "no entry"])
def test_the_same_decision_is_told_and_drawn_once(tmp_path, change):
    page = tmp_path / "shop-1.html"
    page.write_text("drawn")
    decision = GateDecision(
        approved=True, model_name="shop", candidate="1", compared_with=None, rules_key="r", checks=()
    )
    hashes = {
        "decision/decision.json": model.digest_of(decision),
        "decision/decision.md": "words",
        "decision/shop-1.html": model.digest(b"drawn"),
    }
    details = {"gate": "approved", "compared_with": "", "sha256": model.digest_of(decision), **hashes}
    del details["decision/decision.json"]
    entry = SimpleNamespace(event="decided", version="1" if change != "no entry" else "2", details=details)
    tags = {"gate": "approved" if change != "tag" else "refused", "compared_with": "", "decision_key": "r"}
    kept = SimpleNamespace(
        journal=SimpleNamespace(read=lambda: SimpleNamespace(entries=[entry])),
        version=lambda number: version(number, **tags),
        decision_hashes=lambda asked: hashes | ({"decision/decision.md": "x"} if change == "words in MLflow" else {}),
    )
    if change == "page":
        page.write_text("drawn otherwise")
    new = {"decision": {"notes": ("new",)}, "rules": {"rules_key": "s"}}.get(change, {})
    found = model.is_kept(kept, version("1"), decision.model_copy(update=new), page)
    assert found == (change is None)


@pytest.fixture
def promoting(registry, monkeypatch, tmp_path) -> list[tuple]:
    """Version 1 is to be promoted where 2 is champion; what was done is written down."""
    done: list[tuple] = []
    registry.now, registry.model_name = "2", "shop"
    registry.aliases = lambda: {"champion": registry.now}
    registry.version = lambda number: registry.versions[number]
    for room in (model, fresh):
        monkeypatch.setattr(room, "require", lambda *_: None)

    def promoted(_, asked, by_hand, compared_with, decided, word):
        if registry.now != asked.number:
            registry.tag(asked.number, TRIAL, "pending")
        registry.now = asked.number

    def withdrawn(_, asked, why, check):
        registry.now = "2"
        check(registry.versions["2"])
        done.append(("withdrawn", asked.number, why))
        return registry.versions["2"]

    monkeypatch.setattr(model, "promote", promoted)
    monkeypatch.setattr(fresh, "withdraw", withdrawn)
    for room in (model, fresh):
        monkeypatch.setattr(room, "tell_champion", lambda event, one, *_: done.append((event, one.number)))
    monkeypatch.setattr(gpu, "DRIVER", tmp_path / "driver")
    registry.journal = SimpleNamespace(file=tmp_path / "journal.jsonl")
    return done


def test_a_new_champion_that_writes_stays(registry, promoting, monkeypatch):
    monkeypatch.setattr(fresh, "smoke_test", lambda *_: "")
    assert model.promote_to_champion.fn(registry.versions["1"]) == ""
    assert (registry.now, promoting) == ("1", [(model.PROMOTED, "1")])
    assert registry.versions["1"].tags[TRIAL] == "passed"


def test_a_new_champion_that_fails_its_smoke_test_is_taken_back_at_once(registry, promoting, monkeypatch):
    monkeypatch.setattr(fresh, "smoke_test", lambda *_: "it writes nothing")
    why = model.promote_to_champion.fn(registry.versions["1"])
    assert why == "shop version 1 failed its smoke test (it writes nothing) and was taken back; version 2 is champion"
    assert (registry.now, promoting) == ("2", [("withdrawn", "1", "it writes nothing"), (fresh.ROLLED_BACK, "2")])
    assert registry.versions["1"].tags[TRIAL] == "failed"


def test_a_champion_that_failed_and_could_not_be_taken_back_is_tried_again(registry, promoting, monkeypatch):
    """Nobody would try one that is marked as failed: whatever keeps it from being taken back, a kill or MLflow, comes before that."""

    def refused(*_):
        raise UserError("MLflow refused (aliases): 503")

    monkeypatch.setattr(fresh, "smoke_test", lambda *_: "it writes nothing")
    withdraw = fresh.withdraw
    monkeypatch.setattr(fresh, "withdraw", refused)
    with pytest.raises(UserError, match="503"):
        model.promote_to_champion.fn(registry.versions["1"])
    assert registry.now == "1" and registry.versions["1"].untried
    monkeypatch.setattr(fresh, "withdraw", withdraw)
    (told,) = fresh.try_untried(registry, Layout(Path("w"), Path("s")))
    assert "was taken back" in told and registry.now == "2"


def test_a_champion_that_somebody_went_back_from_while_it_was_tried_is_not_told_of(registry, promoting, monkeypatch):
    def tried(*_):
        registry.now = "2"
        return ""

    monkeypatch.setattr(fresh, "smoke_test", tried)
    why = model.promote_to_champion.fn(registry.versions["1"])
    assert why == "shop version 1 was champion, and somebody changed that while it was tried: version 2 is champion now"
    assert promoting == []


def test_a_new_champion_that_cannot_be_tried_is_taken_back_too(registry, promoting, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fresh, "smoke_test", full)
    assert "(it could not be tried: [Errno 28] No space left on device) and was taken back" in (
        model.promote_to_champion.fn(registry.versions["1"])
    )
    assert registry.now == "2"


@pytest.mark.parametrize(("unfit", "now"), [("", "1"), ("it writes nothing", "2")])
def test_a_champion_whose_promotion_was_killed_before_its_test_is_tried_by_who_finds_it(
    registry, promoting, monkeypatch, unfit, now
):
    model.promote(registry, registry.versions["1"], False, None, None, False)
    assert registry.now == "1" and registry.versions["1"].untried
    monkeypatch.setattr(fresh, "smoke_test", lambda *_: unfit)
    (told,) = fresh.try_untried(registry, Layout(Path("w"), Path("s")))
    assert ("was taken back" in told) is bool(unfit) and registry.now == now
    assert fresh.try_untried(registry, Layout(Path("w"), Path("s"))) == []


def test_a_trial_that_is_cancelled_leaves_the_champion_before(registry, promoting, monkeypatch):
    def cancelled(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fresh, "smoke_test", cancelled)
    with pytest.raises(KeyboardInterrupt):
        model.promote_to_champion.fn(registry.versions["1"])
    assert registry.now == "2" and promoting[0] == ("withdrawn", "1", "its trial was broken off")


def test_a_champion_that_waits_for_the_gpu_in_vain_is_not_taken_back(registry, promoting, monkeypatch, tmp_path):
    """Its smoke test might fail for want of memory: it is tried when the GPU is free."""

    def taken(names, occupy, timeout_seconds):
        raise TimeoutError

    registry.now = "1"
    registry.tag("1", TRIAL, "pending")
    (tmp_path / "driver").mkdir()
    monkeypatch.setattr(gpu, "concurrency", taken)
    monkeypatch.setattr(gpu, "make_limit", lambda: None)
    with pytest.raises(UserError, match="the champion was not tried yet, and the GPU is taken"):
        fresh.try_untried(registry, Layout(Path("w"), Path("s")))
    assert registry.now == "1" and registry.versions["1"].untried

    def silent() -> None:
        raise ConnectError("Connection refused")

    monkeypatch.setattr(gpu, "make_limit", silent)
    with pytest.raises(UserError, match=r"not tried yet, and Prefect, .* does not answer \(Connection refused\)"):
        fresh.try_untried(registry, Layout(Path("w"), Path("s")))
    assert registry.now == "1" and registry.versions["1"].untried


def test_nothing_is_compared_with_a_champion_that_was_changed(registry, monkeypatch):
    def changed(*_):
        raise BrokenLink("model.safetensors was changed.")

    run = CandidateRun(Path("base"), "0" * 40, Layout(Path("w"), Path("s")))
    registry.now = "1"
    monkeypatch.setattr(model, "require", changed)
    with pytest.raises(
        UserError, match=r"the champion, version 1: model\.safetensors was changed\. .* ecom-llm rollback"
    ):
        model.rival(registry, registry.entrant(registry.versions["2"]), run, load_params(REPO / "params.yaml").promote)


def test_a_version_that_is_not_what_it_was_is_refused_and_the_journal_says_so(registry, promoting, monkeypatch):
    def changed(*_):
        raise BrokenLink("model.safetensors was changed.")

    noted = []
    monkeypatch.setattr(model, "require", changed)
    monkeypatch.setattr(model, "note_fault", lambda _, event, one, why: noted.append((event, one.number, why)))
    with pytest.raises(BrokenLink):
        model.promote_to_champion.fn(registry.versions["1"])
    assert noted == [("barred", "1", "model.safetensors was changed.")] and registry.now == "2" and promoting == []


def test_a_champion_that_is_promoted_again_is_not_tried_again(registry, promoting, monkeypatch):
    registry.now = "1"
    monkeypatch.setattr(fresh, "smoke_test", lambda *_: pytest.fail("it writes already"))
    assert model.promote_to_champion.fn(registry.versions["1"]) == "" and promoting == []


def test_a_version_that_is_rolled_back_to_and_does_not_write_is_told(registry, promoting, monkeypatch):
    said, noted = ["it writes nothing", ""], []
    monkeypatch.setattr(back, "open_registry", lambda name, layout: registry)
    monkeypatch.setattr(back, "rollback", lambda *_: (registry.versions["1"], registry.versions["2"]))
    monkeypatch.setattr(back, "question", lambda _, again: f"asked {again.number}")
    monkeypatch.setattr(back, "unfit", lambda asked: said.pop(0) if asked == "asked 2" else asked)
    monkeypatch.setattr(back, "note_fault", lambda _, event, back, why: noted.append((event, back.number, why)))
    with pytest.raises(UserError, match=r"version 2 is champion again, but failed its smoke test: it writes nothing\."):
        model.rollback_champion.fn("shop")
    assert noted == [("unfit", "2", "it writes nothing")] and registry.versions["2"].tags[TRIAL] == "failed"
    assert model.rollback_champion.fn("shop")[1].number == "2"
    assert len(noted) == 1 and registry.versions["2"].tags[TRIAL] == "passed"


def test_who_reads_that_a_roll_back_could_not_be_tried_reads_first_that_it_was_done(registry, monkeypatch):
    """It was MLflow's refusal alone: who then went back again went past the version they wanted."""

    def refused(*_):
        raise UserError("MLflow refused (files): 503")

    told = []
    monkeypatch.setattr(back, "open_registry", lambda name, layout: registry)
    monkeypatch.setattr(back, "rollback", lambda *_: (registry.versions["1"], registry.versions["2"]))
    monkeypatch.setattr(back, "tell_champion", lambda event, one, before: told.append((event, one.number, before)))
    monkeypatch.setattr(back, "question", refused)
    with pytest.raises(UserError, match=r"^shop version 2 is champion again, but whether it writes could not .*503$"):
        back.go_back("shop")
    assert told == [(back.ROLLED_BACK, "2", "1")]
