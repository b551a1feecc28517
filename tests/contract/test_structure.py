"""The house's rules, read from the source: who imports whom, and that DVC is told all that a stage rests on."""

import ast
import graphlib
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ecom_llm.layout import Layout
from ecom_llm.params import Params

REPO = Path(__file__).parents[2]
STAGES = ("collect", "prepare", "train", "evaluate")
ROOMS = ("collect", "prepare", "write", "train", "evaluate", "summarise", "human", "promote", "registry", "serve")
COMMON = ("records", "params", "layout", "shards", "progress", "skills")
SPOKEN_FOR = {REPO / "ecom_llm" / name for name in ("layout.py", "__main__.py")} | set(
    (REPO / "ecom_llm" / "params").rglob("*.py")
)
PIPELINE = yaml.safe_load((REPO / "dvc.yaml").read_text())


def imports_of(path: Path) -> list[str]:
    """Dotted names a file imports anywhere in it, `from a import b` as both a and a.b; TYPE_CHECKING blocks left out."""
    found: list[str] = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def source_of(dotted: str) -> list[Path]:
    """The files a first-party import executes: the module and the packages above it."""
    parts = dotted.split(".")
    files = []
    for depth in range(1, len(parts) + 1):
        base = REPO.joinpath(*parts[:depth])
        files += [path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()]
    return files


def closure(stage: str) -> set[Path]:
    """Every first-party file behind `ecom_llm.STAGE.stage`, and all files of the stage's own folder."""
    seen: set[Path] = set()
    todo = list((REPO / "ecom_llm" / stage).rglob("*.py"))
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += [file for name in imports_of(path) if name.split(".")[0] == "ecom_llm" for file in source_of(name)]
    return seen


def covered(path: Path, deps: list[str]) -> bool:
    return any(path == REPO / dep or REPO / dep in path.parents for dep in deps)


def code_deps(stage: str) -> list[str]:
    return [dep for dep in PIPELINE["stages"][stage]["deps"] if dep.startswith("ecom_llm/")]


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_the_import_closure(stage):
    deps = code_deps(stage)
    root = REPO / "ecom_llm" / "__init__.py"
    needed = {path for path in closure(stage) if path not in SPOKEN_FOR | {root}}
    silent = sorted(str(path.relative_to(REPO)) for path in needed if not covered(path, deps))
    idle = [dep for dep in deps if not any(covered(path, [dep]) for path in needed)]
    assert not silent, f"dvc.yaml: {stage} rests on {silent} but does not name them: a change would go unseen"
    assert not idle, f"dvc.yaml: {stage} names {idle} but imports nothing there: a change would rerun it for nothing"
    assert deps == sorted(deps)


def test_the_package_root_holds_no_code():
    """It is in no stage's deps, so nothing may depend on what it does."""
    tree = ast.parse((REPO / "ecom_llm" / "__init__.py").read_text())
    assert [type(node) for node in tree.body] == [ast.Expr]


@pytest.mark.parametrize("stage", STAGES)
def test_params_sections_exist_and_are_the_stages_own(stage):
    assert PIPELINE["stages"][stage]["params"] == [stage]
    assert PIPELINE["stages"][stage]["cmd"] == f"python -m ecom_llm {stage}"
    assert stage in Params.model_fields
    assert callable(importlib.import_module(f"ecom_llm.{stage}.stage").run)


def test_every_section_is_used_by_a_stage_or_by_promotion():
    assert set(Params.model_fields) == {*STAGES, "promote", "registry", "runtime"}


def test_a_stage_reads_no_other_section_than_its_own():
    for stage in STAGES:
        text = "".join(path.read_text() for path in (REPO / "ecom_llm" / stage).rglob("*.py"))
        others = [section for section in Params.model_fields if section not in (stage, "runtime")]
        strayed = [section for section in others if f"params.{section}." in text]
        assert not strayed, f"{stage} reads params.{strayed}, which its fingerprint does not hold"


def test_outs_and_data_deps_are_spelled_by_layout():
    layout = Layout(workspace=REPO, state=REPO / ".state")
    known = {
        str(value.relative_to(REPO))
        for name in dir(Layout)
        if isinstance(value := getattr(layout, name), Path) and value.is_relative_to(REPO) and value != REPO
    }
    for stage in PIPELINE["stages"].values():
        data = [dep for dep in stage["deps"] if not dep.startswith(("ecom_llm/", "${"))]
        assert set(stage["outs"]) | set(data) <= known


def test_the_stage_order_is_the_topological_order():
    from flows.training import STAGES as visited

    made_by = {out: name for name, stage in PIPELINE["stages"].items() for out in stage["outs"]}
    graph = {name: {made_by[dep] for dep in s["deps"] if dep in made_by} for name, s in PIPELINE["stages"].items()}
    assert tuple(graphlib.TopologicalSorter(graph).static_order()) == tuple(visited) == STAGES


def room(path: Path) -> str:
    return path.relative_to(REPO / "ecom_llm").parts[0].removesuffix(".py")


@pytest.mark.parametrize("name", ROOMS)
def test_no_room_imports_a_later_one(name):
    later = ROOMS[ROOMS.index(name) + 1 :]
    for path in (REPO / "ecom_llm").rglob("*.py"):
        if room(path) == name:
            strayed = [
                dotted for dotted in imports_of(path) if dotted.split(".")[:2] in [["ecom_llm", one] for one in later]
            ]
            assert not strayed, f"{path}: {name} imports the later room {strayed}"


def test_what_all_may_use_uses_no_room():
    for path in (REPO / "ecom_llm").rglob("*.py"):
        if room(path) in COMMON:
            strayed = [
                dotted for dotted in imports_of(path) if dotted.split(".")[:2] in [["ecom_llm", one] for one in ROOMS]
            ]
            assert not strayed, f"{path} imports {strayed}"


BANNED = [
    ("ecom_llm", {"prefect", "dvc", "tasks", "flows"}),
    ("tasks", {"flows", "dvc", "torch", "transformers", "datasets", "evaluate"}),
    ("flows", {"dvc", "torch", "transformers", "datasets", "evaluate"}),
]


@pytest.mark.parametrize(("layer", "banned"), BANNED)
def test_layers_import_downwards(layer, banned):
    for path in (REPO / layer).rglob("*.py"):
        strayed = [dotted for dotted in imports_of(path) if dotted.split(".")[0] in banned]
        assert not strayed, f"{path} imports {strayed}"


def test_libraries_stay_in_their_rooms():
    for path in (REPO / "ecom_llm").rglob("*.py"):
        names = {dotted.split(".")[0] for dotted in imports_of(path)}
        # the form that reads a data set of the Hub imports `datasets` when it is used, and nothing else may
        if room(path) not in ("write", "train", "evaluate", "serve") and path.name != "dataset.py":
            assert not names & {"torch", "transformers", "datasets"}, path
        if room(path) != "registry" and path.name != "pyfunc_model.py":
            assert "mlflow" not in names, path


@pytest.mark.parametrize(
    "module",
    [
        *("flows.training", "flows.promotion", "flows.rollback", "flows.reconcile", "flows.sweep.flow", "flows.cli"),
        *("ecom_llm.promote.gate", "ecom_llm.summarise.show"),
    ],
)
def test_importing_what_runs_no_model_loads_no_torch(module):
    program = f"import sys, {module}; print([m for m in ('torch', 'transformers', 'datasets') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], cwd=REPO, capture_output=True, text=True, check=True)
    assert told.stdout.strip().endswith("[]")


def test_the_training_room_needs_no_more_than_lean_gpu_images_hold():
    lean = {"torch", "transformers", "accelerate", "peft", "pyarrow", "safetensors", "tokenizers", "pydantic", "yaml"}
    lean |= {"numpy", "regex", "tqdm"}  # transformers itself imports them
    for path in closure("train"):
        outside = {name.split(".")[0] for name in imports_of(path)} - lean - {"ecom_llm"} - set(sys.stdlib_module_names)
        assert not outside, f"{path} imports {outside}"


def test_no_constraint_carries_a_local_version():
    for line in (REPO / "constraints.txt").read_text().splitlines():
        assert "+" not in line, f"constraints.txt: {line} can be had from no public index"
