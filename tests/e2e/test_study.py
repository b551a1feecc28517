"""A blind study through the page in a real browser: three simulated raters of known bias, from the export to the gate."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from ecom_llm.evaluate.evidence import Evidence, Output
from ecom_llm.evaluate.written import Written
from ecom_llm.human.estimates import Precision, agreement
from ecom_llm.human.judgements import WIN, verdicts
from ecom_llm.human.study import Answers, Study, load_answers, load_study
from ecom_llm.layout import Layout
from ecom_llm.promote.sanity.recount import example_of
from ecom_llm.records import write_jsonl
from ecom_llm.registry import Registry, open_registry
from ecom_llm.write.likelihood import Likelihood
from proofs.gate_scoring import bench_of, scored
from proofs.raters import Rater, answered
from tests.e2e.conftest import clone, ecom_llm
from tests.e2e.test_ui import CHROMIUM, FLAGS, keep, page  # noqa: F401 the fixture
from tests.unit.human.conftest import outputs

pytestmark = [
    pytest.mark.browser,
    # MLflow's and its dependencies' own deprecations are no business of ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine's PATH to judge texts with"),
]
RATERS = (
    Rater(bias=1.0, noise=0.5, place=0.2, ties=0.05),
    Rater(bias=0.5, noise=1.0, place=-0.2, ties=0.2),
    Rater(bias=1.5, noise=0.7, place=0.6, ties=0.1),
)
KEYS = {"first": "a", "second": "b", "tie": "t"}
LABELS = {"first": "A is better", "second": "B is better", "tie": "No difference"}


@dataclass(frozen=True)
class Made:
    """A study in the shop, and what its simulated raters think of each example."""

    shop: Path
    study: Study
    merit: dict[str, float]

    @property
    def folder(self) -> Path:
        return self.shop / ".state" / "studies" / self.study.id

    def plan(self, rater: int) -> dict[str, str]:
        """Task -> what this rater will choose."""
        said = answered(self.study, rater, RATERS[rater - 1], self.merit, np.random.default_rng(rater))
        return {answer.task: answer.choice for answer in said.answers}


def evaluated(version: int) -> tuple[Evidence, list[Output]]:
    """The outputs of a made-up version, scored as evaluation does: to the gate, metrics have to follow from outputs."""
    made = outputs(version, 40)
    examples = [example_of(one) for one in made]
    known = {one.id for one in made}
    training = [example_of(one) for one in outputs(1, 60, seed=1) if one.id not in known]
    work = {one.id: Written(one.text, likelihood=Likelihood(40.0, 20)) for one in made}
    return scored(bench_of(examples, {"train": training, "test": examples}, {}), work)


def register(registry: Registry, version: int, layout: Layout, folder: Path) -> None:
    """A version with all that the gate reads of one, and no model: nothing is trained here."""
    reports = folder / "reports"
    evidence, written = evaluated(version)
    write_jsonl(reports / "outputs.jsonl", written)
    (reports / "metrics.json").write_text(evidence.model_dump_json())
    (reports / "curve.csv").write_text("step,loss,eval_loss,learning_rate,tokens\n5,2.5,2.4,0.001,100\n")
    (folder / "dvc.lock").write_text(f"schema: '2.0' # {version}\n")
    shutil.copy(layout.params, folder)
    client = registry.mlflow
    run = client.create_run(registry.experiment()).info.run_id
    client.log_artifacts(run, str(folder))
    made = client.create_model_version(registry.model_name, source=str(folder), run_id=run)
    for tag, value in {"snapshot": "0" * 40, "test_set": evidence.test_set, "complete": "true"}.items():
        client.set_model_version_tag(registry.model_name, made.version, tag, value)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory) -> Path:
    """A shop whose champion, version 1, forgets facts, and whose candidate, version 2, states them."""
    folder = clone(tmp_path_factory.mktemp("stocked"))
    layout = Layout(folder, folder / ".state")
    registry = open_registry("ecom-llm-tiny", layout)
    registry.mlflow.create_registered_model("ecom-llm-tiny")
    for number, version in (("1", 2), ("2", 1)):
        register(registry, version, layout, tmp_path_factory.mktemp(f"version-{number}"))
    registry.mlflow.set_registered_model_alias("ecom-llm-tiny", "champion", "1")
    registry.mlflow.set_registered_model_alias("ecom-llm-tiny", "candidate", "2")
    return folder


@pytest.fixture(scope="module")
def made(stocked) -> Made:
    told = ecom_llm(stocked, "study", "new", "--set", "promote.study.examples=100").stdout
    name = re.search(r"^Study (\w+): version 2 against version 1$", told, re.M)[1]
    assert "is told from 50 %" in told
    study = load_study(stocked / ".state" / "studies" / name)
    rng = np.random.default_rng(7)
    differing = [one.id for one in outputs(1, 40) if not one.id.endswith("0")]
    assert study.key.weights.keys() < set(differing)
    return Made(stocked, study, {example: float(rng.normal(0, 1.5)) for example in differing})


def click(page, task: str, choice: str) -> None:  # noqa: F811
    page.get_by_label(LABELS[choice]).check(force=True)
    page.get_by_role("button", name="Next", exact=True).click()


def press(page, task: str, choice: str) -> None:  # noqa: F811
    page.keyboard.press(KEYS[choice])
    page.keyboard.press("Enter")


def judge(page, made: Made, rater: int, act: Callable, start: int = 0, stop: int | None = None) -> None:  # noqa: F811
    """Answer the tasks from `start` to `stop` in the order of the page."""
    plan = made.plan(rater)
    tasks = made.study.sheet(rater).tasks
    for at, task in list(enumerate(tasks))[start:stop]:
        assert f"Number {at + 1} of {len(tasks)}" in page.inner_text("#place")
        if at == len(tasks) - 1:
            page.keyboard.press(KEYS[plan[task.id]])  # nothing comes after the last
        else:
            act(page, task.id, plan[task.id])


def open_page(page, made: Made, rater: int) -> list[str]:  # noqa: F811
    """Open a rater's page from its file; return the list in which whatever it asks of a network will stand."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(f"error: {error}"))
    page.goto((made.folder / "export" / f"rater-{rater}.html").as_uri())
    return asked


def download(page, button: str, folder: Path) -> Path:  # noqa: F811
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_the_page_can_be_used_without_a_mouse_in_both_languages_and_on_a_telephone(made, page):  # noqa: F811
    open_page(page, made, 1)
    page.keyboard.press("a")
    for name in ("A is better", "No difference", "B is better"):
        assert page.get_by_role("radio", name=name).count() == 1
    assert page.get_by_role("radio", name="A is better").is_checked()
    page.get_by_role("radio", name="A is better").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="No difference").is_checked()
    page.get_by_label("Comment (optional)").fill("a b t")  # keys typed into a comment choose nothing
    assert page.get_by_role("radio", name="No difference").is_checked()
    keep(page, "study-english")
    page.get_by_label("Language of this page").select_option("zh")
    assert "哪段文字更好" in page.inner_text("h1")
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert page.get_by_role("radio", name="差不多").is_checked()
    page.set_viewport_size({"width": 360, "height": 760})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    keep(page, "study-chinese-narrow")
    page.reload()
    assert "哪段文字更好" in page.inner_text("h1")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, select, textarea, button')].filter("
        "one => !(one.labels?.length || one.textContent.trim())).length"
    )
    assert unnamed == 0


def test_texts_are_shown_as_text_and_simulated_reviews_with_their_label(made, page):  # noqa: F811
    open_page(page, made, 1)
    assert page.locator(".said b").count() == 0
    assert "<b>today</b>" in "".join(text for task in made.study.sheet(1).tasks for text in task.texts)
    seen = set()
    for task in made.study.sheet(1).tasks:
        shown = page.locator(".said").all_inner_texts()
        if task.skill == "review":
            assert all(text.startswith(("[Simulated review]", "【模拟评论】")) for text in shown)
            seen.add(task.locale)
        page.keyboard.press("Enter")
    assert seen == {"en", "zh"}


def test_a_page_that_was_changed_is_refused(made, tmp_path):
    copy = tmp_path / "changed"
    shutil.copytree(made.folder / "export", copy)
    sheet = copy / "rater-1.csv"
    sheet.write_text(sheet.read_text("utf-8-sig").replace(f"study-{made.study.id}", "study-0000000000"), "utf-8-sig")
    told = ecom_llm(made.shop, "study", "import", str(sheet), check=False)
    assert told.returncode == 2
    assert "belongs to the study '0000000000', which is not here. There are: " in told.stderr
    assert "Traceback" not in told.stderr


def simulated_alpha(made: Made, seed: int) -> float:
    """The raters' agreement, had they judged another day."""
    rng = np.random.default_rng(1000 + seed)
    said: list[Answers] = [answered(made.study, r, RATERS[r - 1], made.merit, rng) for r in (1, 2, 3)]
    judged = verdicts(made.study, said, 0.75, exclude_failing=False).judgements
    found = agreement(judged, WIN, Precision(0.95, 10, 1, 10))
    return found.value


@pytest.mark.long
def test_three_raters_judge_in_the_browser_and_what_they_think_is_recovered(made, page, tmp_path):  # noqa: F811
    all_tasks = len(made.study.sheet(1).tasks)
    asked = open_page(page, made, 1)
    page.get_by_label("Your name (optional)").fill("Ann")
    judge(page, made, 1, click)
    assert f"All {all_tasks} done" in page.inner_text("#left")
    keep(page, "study-done")
    files = [download(page, "Download answers", tmp_path)]

    asked += open_page(page, made, 2)
    half = all_tasks // 2
    judge(page, made, 2, press, stop=half)
    assert f"{all_tasks - half} of {all_tasks} left" in page.inner_text("#left")
    page.reload()  # the page was closed: it goes on where it stopped
    judge(page, made, 2, press, start=half)
    files.append(download(page, "Download answers", tmp_path))

    asked += open_page(page, made, 3)
    judge(page, made, 3, press)
    files.append(download(page, "as CSV", tmp_path))
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []

    told = ecom_llm(made.shop, "study", "import", *map(str, files)).stdout
    assert told.count(f"{all_tasks} answers kept") == 3
    assert "rejected" not in told
    kept = load_answers(made.folder, made.study)
    assert [{one.task: one.choice for one in answers.answers} for answers in kept] == [made.plan(r) for r in (1, 2, 3)]
    assert "Ann" not in (made.folder / "answers" / "rater-1.json").read_text()

    told = ecom_llm(made.shop, "study", "results", made.study.id, "--record").stdout
    truth = float(np.mean([rater.expected(np.array(list(made.merit.values()))) for rater in RATERS]))
    low, high = (float(end) / 100 for end in re.search(r"all/all +[\d.]+% \(([\d.]+)% to ([\d.]+)%\)", told).groups())
    print(f"true win rate {truth:.3f}\n{told}")
    assert low <= truth <= high
    assert low > 0.5
    alphas = [simulated_alpha(made, seed) for seed in range(100)]
    alpha = float(re.search(r"alpha.*\n +human_win_rate +all/all +([\d.-]+) ", told)[1])
    print(f"alpha {alpha}, in simulation {np.mean(alphas):.3f} +- {np.std(alphas):.3f}")
    assert abs(alpha - np.mean(alphas)) < 3 * np.std(alphas)
    assert "Stored with ecom-llm-tiny version 2" in told


@pytest.mark.long
@pytest.mark.timeout(900)  # two trainings and six commands after them: five minutes are too few for two slow cores
def test_a_rule_that_names_what_people_say_decides(tmp_path):
    """Two trained versions: the second is promoted because people prefer it, and not without their word."""
    shop = clone(tmp_path / "shop")
    ecom_llm(shop, "run")
    ecom_llm(shop, "run", "--set", "train.seed=2")
    primary = {"metric": "human_win_rate", "skill": "all", "locale": "all", "greater_is_better": True}
    rule = {**primary, "metric": "human_publish", "threshold": 3.0}
    recipe = tmp_path / "people.yaml"

    def promote(**rules: object) -> subprocess.CompletedProcess[str]:
        recipe.write_text(yaml.safe_dump({"promote": {"primary": primary, "regressions": [], **rules}}))
        return ecom_llm(shop, "promote", "2", "--recipe", str(recipe), check=False)

    told = promote(thresholds=[rule])
    assert told.returncode == 2
    assert "Make one: ecom-llm study new 2 --rate" in told.stdout
    made = re.search(r"^Study (\w+): version 2 against version 1$", ecom_llm(shop, "study", "new").stdout, re.M)[1]
    study = load_study(shop / ".state" / "studies" / made)
    merit = dict.fromkeys(study.key.weights, 1.0)
    for number, rater in enumerate(RATERS, start=1):
        said = answered(study, number, rater, merit, np.random.default_rng(number))
        downloaded = tmp_path / f"rater-{number}.json"
        downloaded.write_text(json.dumps({**said.model_dump(), "digest": study.sheet(number).digest}))
        ecom_llm(shop, "study", "import", str(downloaded))
    ecom_llm(shop, "study", "results", made, "--record")
    told = promote(thresholds=[])
    assert "passed: all/all human_win_rate is 0." in told.stdout, told.stdout + told.stderr
    assert "its lower end must lie above 0.5" in told.stdout
    assert "Version 2 is champion" in told.stdout
    assert told.returncode == 0
