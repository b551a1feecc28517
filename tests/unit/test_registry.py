"""The registry, against a real embedded MLflow: registration, decisions, aliases, and what it refuses."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest
import yaml

from ecom_llm.evaluate.evidence import Evidence, Output, read_evidence
from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.promote.decision import rules_key
from ecom_llm.promote.gate import decide
from ecom_llm.records import UserError, write_jsonl
from ecom_llm.registry import (
    Candidate,
    Registry,
    Version,
    artifacts,
    lock_key,
    open_registry,
    promote,
    rollback,
    withdraw,
)
from ecom_llm.registry.agreeing import agree
from ecom_llm.registry.approvals import Overtaken
from ecom_llm.registry.artifacts import copied
from ecom_llm.registry.champions import note_fault, settle
from ecom_llm.registry.live import open_live_run
from ecom_llm.registry.recording import log_numbers
from ecom_llm.registry.shown import other_numbers
from ecom_llm.registry.signing import BrokenLink
from ecom_llm.registry.versions import registry_at
from ecom_llm.train.told import Told
from flows import checkout
from flows.history import history
from tests.unit.prepare.card.conftest import card_of

REPO = Path(__file__).parents[2]
# MLflow's and its dependencies' own deprecations are no business of ours
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def output(number: int) -> Output:
    return Output(
        id=f"describe:en:{number}",
        skill="describe",
        locale="en",
        attributes={"colour": "red"},
        reference="A red dress.",
        text="A red dress.",
        baselines={"template": "red"},
        ratios={"bits_per_byte": (10.0, 12.0), "attribute_coverage": (1.0, 1.0)},
    )


def make_model(folder: Path, params: Params) -> None:
    """A random Llama of the smallest size, with a real tokenizer and chat template."""
    from ecom_llm.train.model import new_model
    from ecom_llm.train.tokenizer import train_tokenizer

    small = params.train.model_copy(
        update={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    )
    tokenizer = train_tokenizer(["Write a product description.", "red dress 红色连衣裙"], 300)
    new_model(tokenizer, small).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def fill(layout: Layout, params: Params) -> None:
    """What the stages leave behind, without having run them."""
    shutil.copytree(REPO / "ecom_llm", layout.workspace / "ecom_llm", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "params.yaml", layout.params)
    layout.lock.write_text("schema: '2.0'\n")
    metrics = {
        "describe": {"en": {"bits_per_byte": 10 / 12, "attribute_coverage": 1.0}},
        "recommend": {"en": {"hit@10": 0.3}},
    }
    write_jsonl(layout.outputs, [output(number) for number in range(5)])
    evidence = Evidence(
        test_set="t",
        tokenizer="k",
        examples=5,
        metrics=metrics,
        baselines={"template": {"describe": {"en": {"bleu": 3.0}}}},
    )
    layout.metrics.write_text(evidence.model_dump_json())
    layout.card.write_text(card_of(10, 1).model_dump_json())
    layout.curve.write_text("step,loss,eval_loss,learning_rate,tokens\n5,2.5,,0.001,100\n10,2.0,2.25,0.002,200\n")
    make_model(layout.model, params)


@pytest.fixture(scope="module")
def params() -> Params:
    found = load_params(REPO / "params.yaml")
    return found.model_copy(update={"registry": found.registry.model_copy(update={"model_name": "shop"})})


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Layout:
    root = tmp_path_factory.mktemp("registry")
    made = Layout(root / "workspace", root / "state")
    made.workspace.mkdir()
    fill(made, params)
    return made


@pytest.fixture(scope="module")
def registry(layout: Layout) -> Iterator[Registry]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield open_registry("shop", layout)


@pytest.fixture(scope="module")
def first(registry: Registry, layout: Layout, params: Params) -> Version:
    return registry.register(Candidate(layout, params, "abc123"))


def test_registering_logs_everything_once(registry: Registry, first: Version, layout: Layout, params: Params) -> None:
    run = registry.mlflow.get_run(first.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["train.learning_rate"] == str(params.train.learning_rate)
    assert json.loads(run.data.params["promote.thresholds"])[0]["metric"] == "attribute_coverage"
    assert run.data.metrics["describe.en.attribute_coverage"] == 1.0
    assert run.data.metrics["recommend.en.hit_at_10"] == 0.3
    assert run.data.metrics["template.describe.en.bleu"] == 3.0
    assert [(m.step, m.value) for m in registry.mlflow.get_metric_history(first.run_id, "loss")] == [
        (5, 2.5),
        (10, 2.0),
    ]
    assert [(m.step, m.value) for m in registry.mlflow.get_metric_history(first.run_id, "eval_loss")] == [(10, 2.25)]
    top = {found.path for found in registry.mlflow.list_artifacts(first.run_id)}
    assert {"dvc.lock", "params.yaml", "reports", "model_card.md"} <= top
    assert first.tags["snapshot"] == "abc123"
    assert registry.aliases() == {"candidate": first.number}
    described = registry.mlflow.get_model_version("shop", first.number).description
    assert "| describe/en | attribute_coverage | higher | 1 |" in described
    assert registry.register(Candidate(layout, params, "another")).number == first.number
    assert len(registry.versions()) == 1
    assert "MLFLOW_TRACKING_URI" not in os.environ, "the embedded store would be taken for the user's own choice"


def test_artifact_has_no_pickle_and_no_local_version_label(registry: Registry, first: Version) -> None:
    folder = registry.model_folder(first)
    assert sorted(path.name for path in folder.glob("*.safetensors")) == ["model.safetensors"]
    names = [path.name for path in folder.parents[1].rglob("*") if path.is_file()]
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".pyc", ".bin", ".pt"))]
    assert "+" not in (folder.parents[1] / "requirements.txt").read_text()


def test_entrant_is_what_was_measured(registry: Registry, first: Version, layout: Layout) -> None:
    entrant = registry.entrant(first)
    assert entrant.evidence.model_dump_json() == layout.metrics.read_text()
    assert entrant.outputs == [output(number) for number in range(5)]
    assert (entrant.version, entrant.rolled_back) == (first.number, False)


def test_trainings_by_other_seeds_are_kept_with_the_version_and_count_once_all_is_there(
    registry: Registry, first: Version, layout: Layout, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Layout(tmp_path / "run-8", layout.state)
    shutil.copytree(layout.workspace, other.workspace, ignore=shutil.ignore_patterns("ecom_llm"))
    followed = open_live_run(Candidate(other, params, "abc123"))
    followed.end("FINISHED")
    count = len(registry.versions())
    for seed, numbers in ((12, [3, 4]), (9, [0, 1, 2])):  # 9 comes first, though 12 was kept before
        write_jsonl(other.outputs, [output(number) for number in numbers])
        kept = registry.keep_training(first, seed, other)
    assert kept.seeds == (9, 12) and first.seeds == ()
    entrant = registry.entrant(kept)
    assert [[one.id for one in outputs] for outputs in entrant.trainings] == [
        [output(number).id for number in numbers] for numbers in ([0, 1, 2], [3, 4])
    ]
    assert entrant.outputs == [output(number) for number in range(5)], "the version's own stay as they are"
    run = registry.mlflow.get_run(followed.run_id)
    assert (run.data.tags["mlflow.parentRunId"], run.info.run_name) == (first.run_id, "seed 9")
    assert len(registry.versions()) == count, "a training is no version"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(registry.mlflow), "log_artifact", full)
        with pytest.raises(UserError, match=r"refused \(keep training\).*No space left"):
            registry.keep_training(first, 13, other)
    assert registry.version(first.number).seeds == (9, 12)
    registry.mlflow.delete_model_version_tag("shop", first.number, "trainings")


def test_files_lie_as_in_the_workspace(registry: Registry, first: Version, layout: Layout, tmp_path: Path) -> None:
    copied = registry.files(first, tmp_path)
    for name in ("lock", "params", "metrics", "outputs", "curve"):
        assert getattr(copied, name).read_bytes() == getattr(layout, name).read_bytes()


@pytest.mark.slow
def test_champion_loads_and_writes_outside_the_checkout(registry: Registry, first: Version, tmp_path: Path) -> None:
    promote(registry, first, by_hand=False)
    program = (
        "import mlflow, sys, json\n"
        "model = mlflow.pyfunc.load_model('models:/shop@champion')\n"
        "rows = [{'skill': 'describe', 'locale': 'en', 'attributes': '{\"colour\": \"red\"}'},"
        " {'skill': 'review', 'locale': 'zh', 'attributes': '{\"星级\": \"5\"}'}]\n"
        "texts = model.predict(rows)\n"
        "import ecom_llm\n"
        "print(json.dumps([list(texts), ecom_llm.__file__]))\n"
    )
    environment = {**os.environ, "MLFLOW_TRACKING_URI": registry.uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    texts, package = json.loads(done.stdout.splitlines()[-1])
    assert len(texts) == 2
    assert texts[1].startswith("【模拟评论】")
    assert Path(package).is_relative_to(registry.layout.mlflow), (
        "the code came from the checkout, not from the artifact"
    )


@pytest.fixture
def versions(registry: Registry, first: Version) -> Iterator[list[Version]]:
    """Three complete versions, no alias and a new journal; the second and third share the first one's run."""
    registry.journal.file.unlink(missing_ok=True)
    registry.mlflow.delete_registered_model_tag("shop", registry.anchor_tag)
    made, source = [first], registry.mlflow.get_model_version_download_uri("shop", first.number)
    for number in (2, 3):
        found = registry.mlflow.create_model_version(
            "shop", source, first.run_id, tags={"lock": f"lock{number}", "complete": "true"}
        )
        made.append(registry.version(str(found.version)))
    for alias in registry.aliases():
        registry.mlflow.delete_registered_model_alias("shop", alias)
    for version in made:
        registry.announce(version)
    registry.alias("candidate", None)
    yield made
    for alias in registry.aliases():
        registry.mlflow.delete_registered_model_alias("shop", alias)
    for version in {one.number for one in registry.versions()} - {first.number}:
        registry.mlflow.delete_model_version("shop", version)
    for key in ("promoted", "rolled_back", "decision_key", "compared_with", "approval"):
        if key in registry.version(first.number).tags:
            registry.mlflow.delete_model_version_tag("shop", first.number, key)


def test_rollback_goes_further_back_each_time(registry: Registry, versions: list[Version]) -> None:
    one, two, three = (version.number for version in versions)
    for version in versions:
        registry.mlflow.set_registered_model_alias("shop", "candidate", version.number)
        promote(registry, version, by_hand=False)
    assert registry.aliases() == {"champion": three, "previous": two}
    assert [version.number for version in rollback(registry)] == [three, two]
    assert registry.aliases() == {"champion": two, "previous": one}
    note_fault(registry, "unfit", versions[1], "it writes nothing")  # it stays, and the way back from it is the same
    assert registry.aliases() == {"champion": two, "previous": one}
    assert f"version {two:<4} unfit        because it writes nothing" in history(registry)
    assert [version.number for version in rollback(registry)] == [two, one]
    assert registry.aliases() == {"champion": one}
    with pytest.raises(UserError, match=f"version {one} is the first champion"):
        rollback(registry)
    assert registry.champion().number == one


def test_what_a_run_keeps_is_copied_under_its_name_and_the_run_is_read_once(
    registry: Registry, versions: list[Version], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, read = [], registry.mlflow.get_run
    monkeypatch.setattr(artifacts, "_roots", {})
    monkeypatch.setattr(registry.mlflow, "get_run", lambda run: asked.append(run) or read(run))
    run = versions[0].run_id
    deep, whole = (copied(registry.mlflow, run, name, tmp_path / "new") for name in ("reports/metrics.json", "reports"))
    assert deep == whole / "metrics.json" == tmp_path / "new" / "reports" / "metrics.json" and deep.exists()
    assert asked == [run]
    from mlflow.exceptions import MlflowException  # as in the code: it costs a second

    with pytest.raises(MlflowException, match=r"none\.json"):
        copied(registry.mlflow, run, "reports/none.json", tmp_path)


def test_rolled_back_version_returns_only_by_hand(registry: Registry, versions: list[Version]) -> None:
    for version in versions[:2]:
        promote(registry, version, by_hand=False)
    rollback(registry)
    back = registry.version(versions[1].number)
    with pytest.raises(UserError, match="was rolled back"):
        promote(registry, back, by_hand=False)
    assert registry.champion().number == versions[0].number
    promote(registry, back, by_hand=True)
    assert registry.champion().number == back.number
    assert not registry.version(back.number).rolled_back


def test_what_was_compared_with_another_champion_is_not_promoted(registry: Registry, versions: list[Version]) -> None:
    """Two versions approved against one champion: the second was never compared with the first."""
    one, two, three = versions
    promote(registry, one, by_hand=False, compared_with="")
    promote(registry, two, by_hand=False, compared_with=one.number)
    with pytest.raises(
        Overtaken, match=f"was compared with version {one.number}, and now there is version {two.number}"
    ):
        promote(registry, three, by_hand=True, compared_with=one.number)
    assert registry.champion().number == two.number
    promote(registry, two, by_hand=False, compared_with=one.number)  # it is champion already
    with pytest.raises(Overtaken, match="was compared with no champion"):
        promote(registry, three, by_hand=False, compared_with="")
    promote(registry, three, by_hand=False, compared_with=two.number)
    assert registry.champion().number == three.number


def decided(registry: Registry, version: Version, sha: str, gate: str = "approved") -> None:
    with registry.journal.held():
        registry.note("decided", version.number, gate=gate, sha256=sha, compared_with="")


def test_only_the_last_decision_promotes_and_only_the_last_word_on_it(
    registry: Registry, versions: list[Version]
) -> None:
    """Between a decision, or a person's approval of it, and the promotion there are minutes: another may decide or reject meanwhile."""
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    decided(registry, two, "a")
    decided(registry, two, "b", "refused")
    with pytest.raises(Overtaken, match="was decided on anew meanwhile, as refused"):
        promote(registry, two, by_hand=True, decided="a")
    with pytest.raises(Overtaken, match="was decided on anew meanwhile"):
        promote(registry, two, by_hand=True, decided="b")
    decided(registry, two, "a")
    with pytest.raises(Overtaken, match="was approved by nobody"):
        promote(registry, two, by_hand=True, decided="a", word=True)
    for event in ("approved", "rejected"):
        with registry.journal.held():
            registry.note(event, two.number, name="Bob", decision="a")
    with pytest.raises(Overtaken, match="was rejected by Bob meanwhile"):
        promote(registry, two, by_hand=True, decided="a", word=True)
    registry.tag(two.number, "approval", "awaited")  # somebody asked again, and nobody answered
    with pytest.raises(UserError, match="was rejected by a person and does not become champion by itself"):
        promote(registry, two, by_hand=False, decided="a")
    assert registry.champion().number == one.number
    with registry.journal.held():
        registry.note("approved", two.number, name="Ann", decision="a")
    promote(registry, two, by_hand=False, decided="a", word=True)
    assert registry.champion().number == two.number and not registry.version(two.number).awaited


def test_who_goes_back_behind_several_champions_does_not_get_them_by_the_next_roll_back(
    registry: Registry, versions: list[Version]
) -> None:
    one, two, three = versions
    for version in versions:
        promote(registry, version, by_hand=True)
    rollback(registry, one.number)
    promote(registry, three, by_hand=True)
    assert rollback(registry)[1].number == one.number, "version 2 was gone behind as well"
    for passed in (two, three):
        registry.tag(passed.number, "rolled_back", "false")  # MLflow's tags are anybody's
        with pytest.raises(UserError, match="was rolled back and does not return by itself"):
            promote(registry, passed, by_hand=False)


def test_a_champion_that_lost_its_alias_is_still_the_one_to_beat(registry: Registry, versions: list[Version]) -> None:
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    registry.alias("champion", None)
    with pytest.raises(Overtaken, match="was compared with no champion"):
        promote(registry, two, by_hand=False, compared_with="")
    assert registry.champion().number == one.number


def test_where_nobody_is_champion_an_earlier_one_can_be_given_back(registry: Registry, versions: list[Version]) -> None:
    one, two, three = versions
    for version in (one, two):
        promote(registry, version, by_hand=True)
    registry.mlflow.delete_model_version("shop", two.number)
    assert registry.champion() is None
    assert rollback(registry)[1].number == one.number
    withdraw(registry, one, "it writes nothing")
    assert registry.champion() is None
    with pytest.raises(
        UserError, match=r"there is no champion\. To go back to one that was rolled back: ecom-llm rollback --to NUMBER"
    ):
        rollback(registry)
    assert rollback(registry, one.number)[1].number == one.number
    half = registry.mlflow.create_model_version("shop", registry.mlflow.get_model_version("shop", one.number).source)
    registry.alias("champion", str(half.version))
    promote(registry, three, by_hand=True)
    assert rollback(registry)[1].number == one.number


def test_another_store_s_model_of_that_name_is_another_model(
    registry: Registry, versions: list[Version], tmp_path: Path, params: Params
) -> None:
    """One state folder, two stores: numbers begin anew, and what one journal tells of a number is not about the other's version."""
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    with registry.journal.held():
        registry.note("removed", two.number)
    other = registry_at(f"sqlite:///{tmp_path}/other.db", "shop", registry.layout)
    other.mlflow.create_registered_model("shop")
    source = registry.mlflow.get_model_version_download_uri("shop", one.number)
    made = [other.mlflow.create_model_version("shop", source, tags={"complete": "true"}) for _ in range(2)]
    assert [str(one.version) for one in made] == ["1", "2"] and one.number == "1"
    assert "became champion" not in " ".join(agree(other)) and other.champion() is None
    assert [one.number for one in other.versions()] == ["2", "1"]
    assert other.journal.file != registry.journal.file and other.downloads != registry.downloads


def test_a_champion_that_somebody_made_in_mlflow_can_be_rolled_back_and_returned_to(
    registry: Registry, versions: list[Version]
) -> None:
    one, two, three = versions
    promote(registry, one, by_hand=True)
    registry.alias("champion", two.number)
    assert [version.number for version in rollback(registry)] == [two.number, one.number]
    registry.alias("champion", two.number)
    promote(registry, three, by_hand=True)
    assert registry.aliases()["previous"] == two.number
    assert [version.number for version in rollback(registry)] == [three.number, two.number]
    assert [version.number for version in rollback(registry, one.number)] == [two.number, one.number]


@pytest.mark.parametrize(("fault", "left"), [(BrokenLink, 0), (UserError, 1)])
def test_taking_back_an_unfit_champion_leaves_the_shop_one_that_writes(
    registry: Registry, versions: list[Version], fault: type[UserError], left: int
) -> None:
    """The one before was changed: then the one before that. It cannot be looked at, since MLflow does not answer: then it writes on."""
    for version in versions:
        promote(registry, version, by_hand=True)

    def check(version: Version) -> None:
        if version.number == versions[1].number:
            raise fault("no")

    assert withdraw(registry, versions[2], "it writes nothing", check).number == versions[left].number
    assert registry.aliases()["champion"] == versions[left].number


def test_what_a_person_rejected_becomes_champion_only_by_hand(registry: Registry, versions: list[Version]) -> None:
    one, two = versions[:2]
    promote(registry, one, by_hand=False)
    registry.tag(two.number, "approval", "rejected")
    with pytest.raises(UserError, match="was rejected by a person"):
        promote(registry, two, by_hand=False)
    assert registry.champion().number == one.number
    promote(registry, two, by_hand=True)
    assert registry.champion().number == two.number
    assert not registry.version(two.number).rejected


def test_a_word_on_another_version_does_not_hide_a_broken_promotion(
    registry: Registry, versions: list[Version]
) -> None:
    one, two, three = versions
    promote(registry, one, by_hand=False)
    with registry.journal.held():
        registry.note("promoting", two.number)
        registry.note("rejected", three.number, name="Ann")
        assert settle(registry)[0].startswith(f"promoting to version {two.number} was broken off")


def test_rollback_passes_over_versions_that_were_rolled_back(registry: Registry, versions: list[Version]) -> None:
    one, two, three = versions
    promote(registry, one, by_hand=False)
    promote(registry, two, by_hand=False)
    rollback(registry)
    promote(registry, three, by_hand=False)
    assert [version.number for version in rollback(registry)] == [three.number, one.number]


def test_rollback_knows_the_order_of_champions_when_one_returned(registry: Registry, versions: list[Version]) -> None:
    one, two, three = versions
    for version in (one, two, three, two):
        promote(registry, version, by_hand=True)
    assert [version.number for version in rollback(registry)] == [two.number, three.number]
    assert registry.aliases() == {"champion": three.number, "previous": one.number}
    assert [version.number for version in rollback(registry)] == [three.number, one.number]


def test_promotion_broken_at_any_write_leaves_a_champion(
    registry: Registry, versions: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, _ = versions
    promote(registry, one, by_hand=False)
    registry.mlflow.set_registered_model_alias("shop", "candidate", two.number)
    kind = type(registry.mlflow)
    for allowed in range(3):
        left = [allowed]

        def breaking(self, *arguments, write=kind.set_registered_model_alias, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return write(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(kind, "set_registered_model_alias", breaking)
            if allowed < 2:
                with pytest.raises(KeyboardInterrupt):
                    promote(registry, two, by_hand=False)
                assert registry.champion().number == one.number
            else:
                promote(registry, two, by_hand=False)
    assert registry.aliases() == {"champion": two.number, "previous": one.number}
    assert rollback(registry)[1].number == one.number


@pytest.mark.parametrize("allowed", range(3))
def test_what_a_crash_broke_off_is_settled_and_the_journal_tells_of_one_champion(
    registry: Registry, versions: list[Version], monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    """A process may die before any of the writes to MLflow; whoever acts next puts both in order."""
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    kind = type(registry.mlflow)
    for act, done in (
        (lambda: promote(registry, two, by_hand=True), two),
        (lambda: rollback(registry, one.number), one),
    ):
        before, left = registry.champion(), [allowed]

        def dying(self, *arguments, write=kind.set_registered_model_alias, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return write(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(kind, "set_registered_model_alias", dying)
            broken = True
            with suppress(KeyboardInterrupt):
                act()
                broken = False  # a roll-back to the first champion sets one alias only
        assert broken or allowed
        with registry.journal.held():
            mended = settle(registry)
        chain = registry.journal.read()
        assert chain.faults == () and chain.missing(registry.anchor()) == []
        assert chain.champion == registry.aliases()["champion"]
        assert bool(mended) is broken
        if broken:
            assert registry.champion().number in (before.number, done.number)
            assert not registry.champion().rolled_back
        if registry.champion().number != done.number:
            act()
        assert registry.champion().number == done.number
        assert settled_again(registry) == []


def settled_again(registry: Registry) -> list[str]:
    with registry.journal.held():
        return settle(registry)


def test_an_abandoned_promotion_makes_no_earlier_champion(
    registry: Registry, versions: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = versions
    promote(registry, one, by_hand=True)
    promote(registry, two, by_hand=True)
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "alias", lambda self, alias, number: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            promote(registry, three, by_hand=True)
    assert rollback(registry)[1].number == one.number


@pytest.mark.parametrize("act", ["promote", "rollback"])
def test_what_was_rolled_back_stays_so_when_bringing_it_back_is_broken_off(
    registry: Registry, versions: list[Version], monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    promote(registry, two, by_hand=True)
    rollback(registry)
    with monkeypatch.context() as patch:
        patch.setattr(Registry, "alias", lambda self, alias, number: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            promote(registry, two, by_hand=True) if act == "promote" else rollback(registry, two.number)
    settled_again(registry)
    assert registry.version(two.number).rolled_back and not registry.version(one.number).rolled_back
    with pytest.raises(UserError, match="does not return by itself"):
        promote(registry, two, by_hand=False)


def test_a_change_that_was_begun_for_a_version_that_is_gone_keeps_nobody_from_the_next(
    registry: Registry, versions: list[Version]
) -> None:
    one, two, three = versions
    for version in (one, two):
        promote(registry, version, by_hand=True)
    with registry.journal.held():
        registry.note("promoting", three.number, instead_of=two.number, previous_before=one.number)
    registry.mlflow.delete_model_version("shop", three.number)
    assert rollback(registry)[1].number == one.number
    assert history(registry).endswith("whole.")


def test_a_roll_back_that_was_broken_off_sets_nobody_aside(registry: Registry, versions: list[Version]) -> None:
    one, two, three = versions
    for version in versions:
        promote(registry, version, by_hand=True)
    with registry.journal.held():
        registry.note("rolling back", two.number, instead_of=three.number, promoted_before="2")
        registry.tag(three.number, "rolled_back", "true")
    # in MLflow's page, before anything is settled
    registry.mlflow.set_registered_model_alias("shop", "champion", one.number)
    with pytest.raises(UserError, match=r"\(rolling back\) was begun and not ended, .*: ecom-llm reconcile settles it"):
        history(registry)
    settled_again(registry)
    assert not registry.version(three.number).rolled_back


def test_a_champion_that_somebody_chose_in_mlflow_is_told(registry: Registry, versions: list[Version]) -> None:
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    registry.mlflow.set_registered_model_alias("shop", "champion", two.number)
    with pytest.raises(
        UserError, match=rf"tells that version {one.number} is champion, and MLflow's alias names version {two.number}"
    ):
        history(registry)
    assert settled_again(registry) == [f"version {two.number} became champion outside of this program"]
    assert "has the alias champion" in history(registry)
    promote(registry, one, by_hand=True)
    assert history(registry).endswith("each chained to the one before: whole.")


@pytest.mark.parametrize("kept", [0, -3])
def test_entries_that_are_gone_stay_missed_whatever_comes_after(
    registry: Registry, versions: list[Version], kept: int
) -> None:
    """A journal that was shortened, or removed, is not made good by the next events, however many they are."""
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    file, gone = registry.journal.file, len(registry.journal.read().entries)
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:kept]))
    for version in (two, one, two, one):
        promote(registry, version, by_hand=True)
        told = registry.journal.read()
        assert told.missing(registry.anchor()), "what MLflow has seen was forgotten"
        with pytest.raises(
            UserError,
            match=rf"cannot be believed(.|\n)*(to {gone} are missing at its end|entry {gone} is not the one MLflow has seen)",
        ):
            history(registry)
    assert told.entries[-1].sequence > gone or not kept  # shortened by three: long past what MLflow has seen
    registry.mlflow.delete_registered_model_tag("shop", registry.anchor_tag)
    file.unlink()
    promote(registry, two, by_hand=True)
    assert history(registry).endswith("whole.")


def test_each_state_folder_has_a_journal_of_its_own_in_mlflow(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    """Machines that share a server: what one writes does not hide what is missing from another's journal."""
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    other = replace(registry, layout=Layout(registry.layout.workspace, tmp_path / "state"))
    promote(other, two, by_hand=True)
    assert other.anchor_tag != registry.anchor_tag
    assert "MLflow knows 1 more of this model" in history(other) and history(other).endswith("whole.")
    settled_again(registry)
    assert history(registry).endswith("whole.")
    registry.journal.file.unlink()
    promote(other, one, by_hand=True)
    assert registry.journal.read().missing(registry.anchor())


def test_a_roll_back_to_a_named_champion_alone(registry: Registry, versions: list[Version]) -> None:
    one, two, three = versions
    for version in (one, two, three):
        promote(registry, version, by_hand=True)
    assert [version.number for version in rollback(registry, one.number)] == [three.number, one.number]
    with pytest.raises(UserError, match=rf"version {one.number} is champion\. Earlier champions: "):
        rollback(registry, one.number)
    with pytest.raises(UserError, match="no version '77'"):
        rollback(registry, "77")


def test_settled_means_same_lock_rules_and_champion(
    registry: Registry, versions: list[Version], layout: Layout, params: Params, tmp_path: Path
) -> None:
    first, rival = versions[0], versions[1]
    lock, key = lock_key(layout.lock), rules_key(params.promote)
    page = tmp_path / "page.html"
    page.write_text("<html></html>")
    assert registry.settled(lock, key, promote=True) is None, "nothing was decided yet"
    decision = decide(registry.entrant(first), None, params.promote, 1)
    registry.record_decision(first, decision, page)
    assert {found.path for found in registry.mlflow.list_artifacts(first.run_id, "decision")} == {
        "decision/decision.json",
        "decision/decision.md",
        "decision/page.html",
    }
    assert registry.version(first.number).tags["gate"] == "refused"
    assert registry.settled(lock, key, promote=True).number == first.number
    assert registry.settled(lock, "other rules", promote=True) is None
    assert registry.settled("other lock", key, promote=True) is None
    promote(registry, rival, by_hand=True)
    assert registry.settled(lock, key, promote=True) is None, "another champion needs another decision"
    registry.record_decision(first, decision.model_copy(update={"approved": True, "compared_with": rival.number}), page)
    assert registry.settled(lock, key, promote=False).number == first.number
    assert registry.settled(lock, key, promote=True) is None, "approved, and still to be promoted"
    for word in ("awaited", "rejected"):
        registry.tag(first.number, "approval", word)
        assert registry.settled(lock, key, promote=True).number == first.number, "nothing is done by itself"
    registry.tag(first.number, "approval", "approved")
    assert registry.settled(lock, key, promote=True) is None, "a person approved, and it is still to be promoted"
    promote(registry, first, by_hand=False)
    assert registry.settled(lock, key, promote=True) is None, "nobody has tried it yet"
    registry.keep_trial(first, passed=True)
    assert registry.settled(lock, key, promote=True).number == first.number
    rollback(registry)
    assert registry.settled(lock, key, promote=True).number == first.number, "rolled back: nothing is done by itself"


def test_broken_registration_never_counts(
    registry: Registry, layout: Layout, params: Params, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Layout(tmp_path, layout.state)
    shutil.copytree(layout.workspace, tmp_path, dirs_exist_ok=True)
    other.lock.write_text("schema: '2.0' # another\n")
    candidate = Candidate(other, params, "def456")
    kind = type(registry.mlflow)

    def interrupted(self, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(kind, "set_model_version_tag", interrupted)
        with pytest.raises(KeyboardInterrupt):
            registry.register(candidate)
    assert registry.version_for_lock(lock_key(other.lock)) is None
    experiment = registry.mlflow.get_experiment_by_name("shop").experiment_id
    condition = f"tags.lock = '{lock_key(other.lock)}'"
    assert [run.info.status for run in registry.mlflow.search_runs([experiment], condition)] == ["FAILED"]
    made = registry.register(candidate)
    assert made.complete and registry.version_for_lock(lock_key(other.lock)).number == made.number
    registry.mlflow.delete_model_version("shop", made.number)


def test_the_run_a_training_opened_becomes_the_version_s_and_holds_every_point_once(
    registry: Registry, layout: Layout, params: Params, tmp_path: Path
) -> None:
    other = Layout(tmp_path / "run-7", layout.state)
    shutil.copytree(layout.workspace, other.workspace)
    other.lock.write_text("schema: '2.0' # trained live\n")
    candidate = Candidate(other, params, "abc789")
    live = open_live_run(candidate)
    # step 5 was told, step 10 was not: its server was away
    live.post([Told(step=5, max_steps=10, time=1.0, loss=2.5, learning_rate=0.001, tokens=100, tokens_per_second=50.0)])
    live.end("FINISHED")
    made = registry.register(candidate)
    assert made.run_id == live.run_id
    history = {
        name: [(point.step, point.value) for point in registry.mlflow.get_metric_history(live.run_id, name)]
        for name in ("loss", "eval_loss", "learning_rate", "tokens", "tokens_per_second")
    }
    assert history == {
        "loss": [(5, 2.5), (10, 2.0)],
        "eval_loss": [(10, 2.25)],
        "learning_rate": [(5, 0.001), (10, 0.002)],
        "tokens": [(5, 100), (10, 200)],
        "tokens_per_second": [(5, 50.0)],
    }
    run = registry.mlflow.get_run(live.run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", f"shop-{lock_key(other.lock)[:8]}")
    assert run.data.tags["lock"] == lock_key(other.lock)
    registry.mlflow.delete_model_version("shop", made.number)


def test_a_param_that_is_too_long_for_mlflow_is_what_params_yaml_says(
    registry: Registry, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow cut it, so that the version seemed to show another value than it has, for ever."""
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false")  # refused instead of cut
    own = Layout(tmp_path / "long", layout.state)
    shutil.copytree(layout.workspace, own.workspace, ignore=shutil.ignore_patterns("ecom_llm", "models"))
    values = yaml.safe_load(layout.params.read_text())
    values["collect"]["location"], values["promote"]["thresholds"] = "x" * 6001, values["promote"]["thresholds"] * 99
    own.params.write_text(yaml.safe_dump(values))
    candidate = Candidate(own, load_params(own.params), "abc123")
    live = open_live_run(candidate)
    log_numbers(registry.mlflow, live.run_id, candidate, read_evidence(own.metrics))
    live.end("KILLED")
    version = Version(model_name="shop", number="9", run_id=live.run_id, tags={})
    assert other_numbers(registry, version, own) is None
    values["collect"]["location"] = "y" + "x" * 6000
    own.params.write_text(yaml.safe_dump(values))
    assert "param collect.location in MLflow: expected yxx" in other_numbers(registry, version, own)


def test_unknown_version_names_those_there_are(registry: Registry, first: Version) -> None:
    with pytest.raises(UserError, match=f"no version '77'.*There are: {first.number}"):
        registry.version("77")


def test_server_that_does_not_answer_is_named_at_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    began = time.monotonic()
    with pytest.raises(UserError, match=f"does not answer at {address}"):
        open_registry("shop", layout)
    assert time.monotonic() - began < 6


def test_a_server_s_password_is_in_no_link_and_no_message(
    registry: Registry, first: Version, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException

    class Refusing:
        def search_model_versions(self, *given: object, **more: object) -> list[object]:
            raise MlflowException(f"API request to {uri}/api/2.0 failed")

    uri = "http://shop:hun'ter2@127.0.0.1:9"
    served = Registry(uri, "shop", layout, Refusing())
    assert served.url(first) == f"http://127.0.0.1:9/#/models/shop/versions/{first.number}"
    assert served.run_page("1", "r") == "http://127.0.0.1:9/#/experiments/1/runs/r"
    with pytest.raises(UserError, match=r"MLflow at http://\*\*\*@127.* to http://\*\*\*@127.0.0.1:9/api/2.0 failed$"):
        served.versions()
    known = Registry(uri, "shop", layout, registry.mlflow)
    monkeypatch.setattr(checkout.dvc, "is_up_to_date", lambda workspace: True)
    assert checkout.describe_status(known, layout).endswith("shop at http://***@127.0.0.1:9")
    with pytest.raises(UserError, match=r"no version '77' at http://\*\*\*@127\.0\.0\.1:9\. There"):
        known.version("77")


@pytest.mark.parametrize("uri", ["nonsense://x", "./mlruns"])
def test_unusable_tracking_uri_is_named(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, uri: str, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserError, match=f"MLflow cannot use {uri}"):
        open_registry("shop", layout)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def open_port() -> Iterator[int]:
    """A port at which somebody answers, as a database would."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ("mysql+gone", "Can't load plugin: sqlalchemy.dialects:mysql.gone. Mend MLFLOW_TRACKING_URI."),
        (
            "postgresql",
            "No module named 'psycopg'. Install the database's driver beside MLflow: pip install 'psycopg[binary]'",
        ),
        (
            "mysql",
            "No module named 'MySQLdb'. Install the database's driver beside MLflow: pip install 'mysqlclient', or mend",
        ),
    ],
)
def test_a_database_that_sqlalchemy_cannot_reach_is_said_with_what_to_install(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, open_port: int, scheme: str, said: str
) -> None:
    if scheme in (drivers := {"postgresql": "psycopg", "mysql": "MySQLdb"}) and find_spec(drivers[scheme]):
        pytest.skip("the driver is installed here")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{scheme}://shop:hunter2@127.0.0.1:{open_port}/mlflow")
    with pytest.raises(UserError) as told:
        open_registry("shop", layout)
    assert f"MLflow cannot use {scheme}://***@127.0.0.1:{open_port}/mlflow: {said}" in str(told.value)
    assert "\n" not in str(told.value) and "hunter2" not in str(told.value)


def test_user_and_password_of_an_http_address_reach_the_server(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://shop:hunter2@127.0.0.1:{server.server_port}")
        assert open_registry("shop", layout).versions() == []
        server.shutdown()
    (health, nobody), (api, somebody) = asked
    assert (health, nobody) == ("/health", None) and api.startswith("/api/2.0/mlflow/model-versions/search")
    assert somebody == f"Basic {b64encode(b'shop:hunter2').decode()}"


def test_state_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"mlflow: MLflow's store cannot be written there"):
        open_registry("shop", Layout(tmp_path, tmp_path / "state"))


def test_fast_path_answers_in_a_fresh_process(registry: Registry, first: Version, layout: Layout) -> None:
    program = (
        "import sys; from pathlib import Path; from ecom_llm.layout import Layout\n"
        "from ecom_llm.registry import open_registry\n"
        "registry = open_registry('shop', Layout(Path(sys.argv[1]), Path(sys.argv[2])))\n"
        "print(registry.settled('none', 'none', True), 'torch' in sys.modules, 'mlflow.pyfunc' in sys.modules)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, str(layout.workspace), str(layout.state)],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    took = time.monotonic() - began
    assert done.stdout.split() == ["None", "False", "False"], done.stderr
    assert done.stderr == "", "the fast path has nothing to say"
    assert took < 10, "far above the 2 s it takes on an idle machine, since tests may share it"


def test_a_roll_back_that_its_check_refuses_changes_nothing(registry: Registry, versions: list[Version]) -> None:
    one, two, _ = versions
    promote(registry, one, by_hand=True)
    promote(registry, two, by_hand=True)
    before, entries = registry.aliases(), len(registry.journal.read().entries)
    asked = []

    def refuse(version: Version) -> None:
        asked.append(version.number)
        raise UserError("its weights were changed")

    with pytest.raises(UserError, match="its weights were changed"):
        rollback(registry, None, refuse)
    assert asked == [one.number]
    assert (registry.aliases(), len(registry.journal.read().entries)) == (before, entries)
    assert not registry.version(two.number).rolled_back


def test_a_registered_version_is_signed_and_the_journal_has_its_signature(registry: Registry, first: Version) -> None:
    kept = {found.path for found in registry.mlflow.list_artifacts(first.run_id, "signature")}
    assert kept == {"signature/key.pub", "signature/model.sig", "signature/record.sig"}
    [entry] = [
        one for one in registry.journal.read().entries if one.event == "registered" and one.version == first.number
    ]
    assert entry.details == {name: first.tags[name] for name in ("lock", "snapshot", "signature")}
    private = (registry.layout.keys / "signing.pem").read_bytes()
    stored = [path for path in registry.layout.mlflow.rglob("*") if path.is_file()]
    assert not [path for path in stored if b"PRIVATE KEY" in path.read_bytes() or private in path.read_bytes()]
