"""What both sides of benchmarks/evaluation.py are given: a small trained model, test texts, and test prompts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import yaml
from transformers import AutoTokenizer

from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import Example
from ecom_llm.shards import read_records
from ecom_llm.write.encode import render, slotting_of

REPO = Path(__file__).parents[1]
STAGES = ("collect", "prepare", "train")
SETTINGS = [
    "train.slots=false",  # peers have none
    "train.max_steps=1200",
    "train.eval_steps=400",
    "train.save_steps=400",
]
"""Over params.yaml: the built-in catalogue, and a model that writes sentences and ends them, trained in some minutes."""


def environ() -> dict[str, str]:
    """This process's environment, offline; threads that wait sleep, since spinning ones lose tenfold to any other work."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_WAIT_POLICY": "PASSIVE"}


def settings() -> Params:
    """The benchmark's params."""
    sys.path.insert(0, str(REPO))
    from flows.overrides import chosen_params

    return chosen_params(REPO / "params.yaml", None, SETTINGS)


def build_model(layout: Layout, params: Params) -> None:
    """Collect, prepare and train by our stages, once for these params of theirs."""
    values, known = params.model_dump(mode="json"), layout.workspace / "built.yaml"
    written = yaml.safe_dump({stage: values[stage] for stage in STAGES}, allow_unicode=True)
    if known.exists() and known.read_text(encoding="utf-8") == written:
        return
    (layout.workspace / params.collect.location).mkdir(parents=True, exist_ok=True)
    layout.params.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    for stage in STAGES:
        command = [sys.executable, "-m", "ecom_llm", stage]
        subprocess.run(command, check=True, cwd=layout.workspace, env={**environ(), "PYTHONPATH": str(REPO)})
    known.write_text(written, encoding="utf-8")


def build_input(place: Path, number: int) -> Path:
    """Train the model and lay out the folder every program reads; return it."""
    layout = Layout(place / "workspace", place / "state")
    layout.workspace.mkdir(parents=True, exist_ok=True)
    build_model(layout, settings())
    write_input(place, layout, number)
    return place


def write_input(place: Path, layout: Layout, number: int) -> None:
    """Lay out what every program reads of a trained workspace: `model`, `texts.json` (rendered, all skills), `prompts.json`.

    Raises:
        SystemExit: the test split holds fewer texts or prompts than `number`.
    """
    if not (place / "model").exists():
        (place / "model").symlink_to(layout.model, target_is_directory=True)
    tokenizer = AutoTokenizer.from_pretrained(layout.model, local_files_only=True)
    examples = list(read_records(layout.split("test"), Example))
    # items are ranked and not written, so recommend has texts but no prompts
    asked = [one for one in examples if one.skill != "recommend"]
    if len(asked) < number:
        raise SystemExit(f"{layout.split('test')}: {number} prompts are wanted, and it holds {len(asked)}.")
    slotting = slotting_of(tokenizer)
    texts = ["".join(render(one, tokenizer, slotting)) for one in Random(1).sample(examples, number)]
    prompts = [render(one, tokenizer, slotting)[0] for one in Random(1).sample(asked, number)]
    for name, strings in (("texts", texts), ("prompts", prompts)):
        (place / f"{name}.json").write_text(json.dumps(strings, ensure_ascii=False), encoding="utf-8")
    lengths = [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
    print(f"{number} texts of {sum(lengths) / number:.0f} tokens, the longest of {max(lengths)}", flush=True)
