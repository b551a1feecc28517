"""What the flows promise without running: order of stages, deployments, light imports; and the summary's words."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect.utilities.templating import apply_values

from ecom_llm.evaluate.evidence import Evidence, Output
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.params.space import load_sweep
from ecom_llm.promote.decision import Check, GateDecision
from ecom_llm.promote.gate import Entrant
from ecom_llm.records import UserError
from ecom_llm.registry import Version
from flows.approval.flow import approval
from flows.deployments import FLOWS, asked_of, deployments, values
from flows.server_settings import POOL
from flows.summary import report, word_of
from flows.training import STAGES

REPO = Path(__file__).parents[3]
PREFECT = REPO / "prefect.yaml"


def test_the_flow_visits_the_stages_in_the_order_of_dvc_yaml():
    stages = yaml.safe_load((REPO / "dvc.yaml").read_text())["stages"]
    made_by = {
        out if isinstance(out, str) else next(iter(out)): name
        for name, stage in stages.items()
        for out in stage["outs"]
    }
    before = {name: {made_by[dep] for dep in stage["deps"] if dep in made_by} for name, stage in stages.items()}
    assert set(STAGES) == set(stages)
    assert all(before[stage] <= set(STAGES[:at]) for at, stage in enumerate(STAGES))


def test_deployments_carry_the_values_of_params_yaml_and_no_none():
    params = load_params(REPO / "params.yaml")
    made = {deployment.name: deployment for deployment in deployments(params, load_sweep(REPO / "sweep.yaml"), PREFECT)}
    assert set(made) == {"training-pipeline", "sweep", "promotion", "rollback", "reconcile"}
    assert made["reconcile"].schedules[0].schedule.interval.total_seconds() == 900
    form = made["sweep"]._parameter_openapi_schema.properties
    assert set(form) == set(made["sweep"].parameters) == {"params", "space", "trials", "seed", "promote"}
    assert form["trials"]["minimum"] == 1
    assert made["sweep"].parameters["space"] == "sweep.yaml"
    assert type(params).model_validate(made["training-pipeline"].parameters["params"]) == params
    # a form for `Params | None` would open on an empty tab and drop what is not touched
    assert "null" not in str(made["training-pipeline"]._parameter_openapi_schema.properties["params"])


@pytest.mark.parametrize("content", [None, "trials: many\n"])
def test_without_a_sweep_yaml_that_can_be_used_all_else_is_served(tmp_path, caplog, content):
    if content:
        (tmp_path / "sweep.yaml").write_text(content)
    asked = asked_of(Layout(tmp_path, tmp_path / ".state"))
    made = deployments(load_params(REPO / "params.yaml"), asked, PREFECT)
    assert [deployment.name for deployment in made] == ["training-pipeline", "promotion", "rollback", "reconcile"]
    assert "Sweeps are not served" in caplog.text and "sweep.yaml" in caplog.text


def test_prefect_yaml_names_flows_that_exist():
    for deployment in yaml.safe_load(PREFECT.read_text())["deployments"]:
        path, name = deployment["entrypoint"].split(":")
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        assert deployment["name"] == getattr(module, name).name


def test_a_schedule_is_there_and_sleeps():
    made = deployments(load_params(REPO / "params.yaml"), load_sweep(REPO / "sweep.yaml"), PREFECT)
    planned = {deployment.name: deployment.schedules for deployment in made if deployment.schedules}
    assert {name: [one.active for one in found] for name, found in planned.items()} == {
        "training-pipeline": [False],
        "reconcile": [True],
    }


def test_a_deployment_of_another_flow_is_told_with_its_file(tmp_path):
    file = tmp_path / "prefect.yaml"
    file.write_text("deployments:\n  - {name: one, entrypoint: 'flows/training.py:train'}\n")
    with pytest.raises(UserError, match=r"prefect\.yaml: entrypoint 'train' is no flow of this project\. There are: "):
        deployments(load_params(REPO / "params.yaml"), None, file)


def test_prefect_yaml_deploys_into_the_pool_that_up_makes_and_fills_every_form():
    read = yaml.safe_load(PREFECT.read_text())
    assert {entry["work_pool"]["name"] for entry in read["deployments"]} == {POOL}
    assert read["build"] == [{"flows.deployments.form": {"id": "form"}}]
    filled = {"form": values(load_params(REPO / "params.yaml"), load_sweep(REPO / "sweep.yaml"))}
    for entry in read["deployments"]:
        assert "{{" not in str(apply_values(entry.get("parameters", {}), filled, remove_notset=False)), entry["name"]


def test_importing_the_flows_loads_no_torch():
    heavy = ("torch", "transformers", "datasets", "mlflow", "dvc", "optuna")
    flows = "flows.training, flows.serving, flows.promotion, flows.reconcile, flows.sweep.flow"
    code = f"import sys, {flows}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def output(locale: str, text: str) -> Output:
    attributes = {"category": "dress", "colour": "red"}
    return Output(
        id=f"describe:{locale}:1:0",
        skill="describe",
        locale=locale,
        attributes=attributes,
        reference="r",
        text=text,
        baselines={},
        ratios={},
    )


def entrant() -> Entrant:
    metrics = {
        "all": {"all": {"bits_per_byte": 1.25}},
        "describe": {"en": {"bleu": 20.0, "distinct_4": 0.5}, "all": {"bleu": 9.0}},
    }
    baselines = {"template": {"describe": {"en": {"bleu": 2.5}}}}
    evidence = Evidence(test_set="t", tokenizer="k", examples=2, metrics=metrics, baselines=baselines)
    return Entrant("shop", "4", evidence, [output("en", "A red dress."), output("zh", ""), output("en", "Another.")])


def decided(approved: bool) -> GateDecision:
    check = Check(
        rule="threshold",
        slice="describe/en",
        metric="bleu",
        found=20.0,
        bound=30.0,
        passed=approved,
        reason="bleu is 20, at least 30",
    )
    return GateDecision(
        approved=approved, model_name="shop", candidate="4", compared_with=None, rules_key="r", checks=(check,)
    )


def test_the_summary_says_verdict_numbers_texts_and_what_is_next():
    text = report(decided(True), entrant(), Path("/pages/4.html"), promoted=True, recipe=None)
    assert [line.split() for line in text.splitlines()[:3]] == [
        ["skill/locale", "metric", "model", "template"],
        ["all/all", "bits_per_byte", "1.250", "-"],
        ["describe/en", "bleu", "20.000", "2.500"],
    ]
    assert "describe/all" not in text
    assert "distinct_4" not in text
    assert (
        "describe/en  category: dress, colour: red\n    A red dress.\ndescribe/zh  category: dress, colour: red\n    (nothing)"
        in text
    )
    assert "Another." not in text
    assert "Approved: shop version 4" in text
    assert "ecom-llm write describe --attr 'category=dress' --attr 'colour=red' --locale en\n" in text
    assert text.endswith("/pages/4.html")


def test_the_summary_names_the_reasons_of_a_refusal_and_the_recipe_of_a_command():
    refused = report(decided(False), entrant(), Path("p"), promoted=False, recipe=None)
    assert "Refused: shop version 4 failed 1 of 1 checks.\nrefused: bleu is 20, at least 30" in refused
    assert "The champion stays" in refused
    kept = report(decided(True), entrant(), Path("p"), promoted=False, recipe=Path("recipes/tiny.yaml"))
    assert "ecom-llm promote 4 --recipe recipes/tiny.yaml" in kept


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("awaited", "ecom-llm approve 4 --recipe tiny.yaml --name YOUR-NAME\n  ecom-llm reject 4 --recipe tiny.yaml"),
        (
            "rejected",
            "A person rejected it (`ecom-llm history` tells who). To decide anew:\n  ecom-llm promote 4 --recipe",
        ),
    ],
)
def test_the_summary_says_what_a_person_has_yet_to_say_or_said(tag, words):
    version = Version(model_name="shop", number="4", run_id="r", tags={"gate": "approved", "approval": tag})
    recipe = Path("tiny.yaml")
    told = word_of(version, recipe)
    assert words in report(decided(True), entrant(), Path("p"), promoted=False, recipe=recipe, withheld=told)
    assert words not in report(decided(False), entrant(), Path("p"), promoted=False, recipe=recipe, withheld=told)


@pytest.mark.parametrize("flow", [*FLOWS.values(), approval], ids=lambda flow: flow.name)
def test_whoever_runs_a_flow_is_known_to_be_at_work(flow):
    """Else nobody would mend what a kill leaves of it."""
    tree = ast.walk(ast.parse(inspect.getsource(inspect.getmodule(flow.fn))))
    body = next(one for one in tree if isinstance(one, ast.FunctionDef) and one.name == flow.fn.__name__)
    entered = [
        ast.unparse(item.context_expr) for one in ast.walk(body) if isinstance(one, ast.With) for item in one.items
    ]
    assert "at_work()" in entered
