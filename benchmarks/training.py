"""Training against its peers: the same weights, the same texts, the same two cores, in turns.

    python -m benchmarks.training STATE LOCATION [--steps 200] [--rounds 3]

LOCATION is the folder of RNNLG's laptop data. Useful tokens are those of prompts and completions, without padding. All learn completions
only, with the same batch of examples, learning rate, schedule and clipping; what else a peer does is its own default.
Speed that is bought with learning shows in the second table: the seconds each needs to the same validation loss.
"""

import argparse
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TypedDict

import torch
import yaml

from benchmarks.environment import environment
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import Example
from ecom_llm.shards import read_records
from ecom_llm.train.batching import Completions, LeftPadded
from ecom_llm.train.model import load_checkpoint, model_and_tokenizer
from ecom_llm.train.trainer import validation_loss
from ecom_llm.write.encode import encode, render, slotting_of

PEERS = Path(__file__).parent / "peers"
REPO = Path(__file__).parents[1]
SIZES = {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 6, "num_attention_heads": 4}
"""With 2,000 entries of vocabulary: 6.8 M parameters."""
ALL = {"slots": "false", "dropout": 0.0, "per_device_train_batch_size": 8, "learning_rate": 0.004}
"""Of its own, whatever the recipe takes: peers have neither slots nor dropout, and figures stay comparable over the months."""
TUNED = {"bf16": False, "gradient_checkpointing": False, "train_sampling_strategy": "group_by_length"}
"""TRL by hand: what is fastest for it here."""
PACKED_LENGTH = 1024
POINTS = 8
"""Times the weights are saved on the way."""


class Saved(TypedDict):
    """Weights on the way, and when they were there."""

    step: int
    seconds: float
    folder: str


class Run(TypedDict):
    """What a program says of one training."""

    tokens: int
    seconds: float
    saved: list[Saved]


def recipe(location: Path) -> Params:
    """The project's own recipe for this data, with the benchmark's sizes and settings."""
    sys.path.insert(0, str(REPO))
    from flows.overrides import chosen_params

    return chosen_params(
        REPO / "params.yaml",
        REPO / "recipes" / "rnnlg-laptop.yaml",
        [
            f"collect.location={location}",
            *(f"train.{name}={value}" for name, value in (SIZES | ALL).items()),
        ],
    )


def build_input(place: Path, location: Path) -> Params:
    """Collect and prepare by our stages, render the texts, draw the first weights: what every program starts from."""
    params = recipe(location)
    layout = Layout(place / "workspace", place / "state")
    layout.workspace.mkdir(parents=True, exist_ok=True)
    written = yaml.safe_dump(params.model_dump(mode="json"), allow_unicode=True)
    if (place / "params.yaml").exists() and (place / "params.yaml").read_text(encoding="utf-8") == written:
        return params
    layout.params.write_text(written, encoding="utf-8")
    for stage in ("collect", "prepare"):
        command = [sys.executable, "-m", "ecom_llm", stage]
        subprocess.run(command, check=True, cwd=layout.workspace, env={**environ(), "PYTHONPATH": str(REPO)})
    write_input(place, layout, params)
    (place / "params.yaml").write_text(written, encoding="utf-8")
    return params


def write_input(place: Path, layout: Layout, params: Params) -> None:
    """Lay out what every program reads of a prepared workspace: `model`, `train.jsonl` and `arguments.json`."""
    examples = list(read_records(layout.split("train"), Example))
    model, tokenizer = model_and_tokenizer(params.train, examples, layout.workspace)
    print(f"{model.num_parameters() / 1e6:.1f} M parameters, {len(examples)} texts", flush=True)
    for part in (model, tokenizer):
        part.save_pretrained(place / "model")
    with (place / "train.jsonl").open("w", encoding="utf-8") as handle:
        for example in examples:
            prompt, completion = render(example, tokenizer, slotting_of(tokenizer))
            handle.write(json.dumps({"prompt": prompt, "completion": completion}, ensure_ascii=False) + "\n")
    (place / "arguments.json").write_text(json.dumps(shared_arguments(params)), encoding="utf-8")


def shared_arguments(params: Params) -> dict[str, float | int | str]:
    """The TrainingArguments that all are given."""
    names = (
        "per_device_train_batch_size",
        "learning_rate",
        "lr_scheduler_type",
        "warmup_steps",
        "weight_decay",
        "adam_beta2",
        "max_grad_norm",
        "seed",
    )
    return {name: getattr(params.train, name) for name in names}


def environ() -> dict[str, str]:
    """This process's environment, offline: all have as many threads."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def programs(python: Path, packed_steps: int, batch_sizes: list[int]) -> dict[str, list[str]]:
    """Name -> command, to which input, out, steps and points are added; settings of TRL come last."""
    trl = [str(python), str(PEERS / "train_trl.py")]
    packed = {"packing": True, "max_length": PACKED_LENGTH, "max_steps": packed_steps}
    found = {
        "ours": [sys.executable, "-m", "benchmarks.training_ours"],
        "Trainer": [str(python), str(PEERS / "train_trainer.py")],
        "TRL": [*trl, "{}"],
        "TRL packed": [*trl, json.dumps(packed)],
    }
    for size in batch_sizes:
        found[f"TRL tuned, {size}"] = [*trl, json.dumps(TUNED | {"per_device_train_batch_size": size})]
    return found


def run_one(command: list[str], place: Path, out: Path, steps: int) -> Run:
    """Run one program and read its last line."""
    settings = [part for part in command if part.startswith("{")]
    words = [part for part in command if not part.startswith("{")]
    if settings:
        chosen = json.loads(settings[0])
        steps = chosen.pop("max_steps", steps)
        settings = [json.dumps(chosen)]
    whole = [*words, str(place), str(out), str(steps), str(POINTS), *settings]
    done = subprocess.run(whole, cwd=REPO, env=environ(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def curve(run: Run, place: Path, params: Params) -> list[tuple[float, float]]:
    """(seconds, validation loss in nats per completion token) of the weights on the way; always in fp32, by one function."""
    examples = list(read_records(Layout(place / "workspace", place / "state").split("validation"), Example))[:500]
    found = []
    for saved in run["saved"]:
        model, tokenizer = load_checkpoint_of(Path(saved["folder"]), place)
        data = Completions(encode(examples, tokenizer))
        found.append((saved["seconds"], validation_loss(model, data, LeftPadded(tokenizer.pad_token_id), 32)))
    return found


def load_checkpoint_of(folder: Path, place: Path) -> tuple[torch.nn.Module, object]:
    """Weights on the way, with the tokenizer all share."""
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (place / "model" / name).exists() and not (folder / name).exists():
            (folder / name).write_bytes((place / "model" / name).read_bytes())
    return load_checkpoint(folder, "float32", four_bits=False, max_length=256)


def seconds_to(target: float, points: list[tuple[float, float]]) -> float | None:
    """When a curve first is at `target` or below, by straight lines between its points."""
    for (before, high), (after, low) in pairwise(points):
        if low <= target < high:
            return before + (after - before) * (high - target) / (high - low)
    return points[0][0] if points and points[0][1] <= target else None


def main() -> None:
    """Build the input, run the programs in turns, print tables and ratios."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("state", type=Path)
    told.add_argument("location", type=Path, help="folder of RNNLG's laptop data: train.json, valid.json, test.json")
    told.add_argument("--steps", type=int, default=200)
    told.add_argument("--rounds", type=int, default=3)
    told.add_argument(
        "--cpu-time", action="store_true", help="one thread and its CPU seconds, for a machine that is not quiet"
    )
    told.add_argument("--batch-sizes", type=int, nargs="*", default=[8, 16], help="tried for TRL tuned by hand")
    given = told.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "CPU_TIME": "1"} if given.cpu_time else {"OMP_NUM_THREADS": "2"}
    state, place = given.state.resolve(), given.state.resolve() / "input"
    python = environment(state / "peers", PEERS / "training-requirements.txt")
    params = build_input(place, given.location.resolve())
    print(f"all: {json.dumps(shared_arguments(params))}\nTRL tuned: {json.dumps(TUNED)}", flush=True)
    lines = (place / "train.jsonl").read_text(encoding="utf-8").splitlines()
    _, tokenizer = load_checkpoint(place / "model", "float32", four_bits=False, max_length=256)
    tokens = sum(len(ids) for ids in tokenizer(["".join(json.loads(line).values()) for line in lines])["input_ids"])
    batch = params.train.per_device_train_batch_size
    # a packed step holds as many tokens as thirty padded ones, and takes far longer: a quarter of the others' tokens is enough
    packed_steps = max(2, round(given.steps * batch * tokens / len(lines) / (batch * PACKED_LENGTH) / 4))
    runs: dict[str, list[Run]] = {}
    curves: dict[str, list[tuple[float, float]]] = {}
    for number in range(given.rounds):
        for name, command in programs(python, packed_steps, given.batch_sizes).items():
            out = state / "out" / name.replace(" ", "-").replace(",", "")
            run = run_one(command, place, out, given.steps)
            runs.setdefault(name, []).append(run)
            if number == 0:
                curves[name] = curve(run, place, params)
            rate = run["tokens"] / run["seconds"]
            print(f"round {number + 1}: {name}: {run['seconds']:.1f} s, {rate:.0f} useful tokens/s", flush=True)
    report(runs, curves)


def report(runs: dict[str, list[Run]], curves: dict[str, list[tuple[float, float]]]) -> None:
    """Both tables and the ratios. Times to a loss are scaled from the first round to the median round."""
    rates = {name: median(run["tokens"] / run["seconds"] for run in found) for name, found in runs.items()}
    # the loss all padded peers reach: the worst of their last ones
    target = max(curves[name][-1][1] for name in ("ours", "Trainer", "TRL"))
    print(f"\nvalidation loss to reach: {target:.4f} nats per completion token")
    times: dict[str, float | None] = {}
    for name, points in curves.items():
        reached = seconds_to(target, points)
        scale = median(run["seconds"] for run in runs[name]) / runs[name][0]["seconds"]
        times[name] = None if reached is None else reached * scale
        when = "not reached" if reached is None else f"{times[name]:.1f} s"
        print(f"{name:<14} {rates[name]:7.0f} useful tokens/s, last loss {points[-1][1]:.4f}, to that loss: {when}")
    peers = [times[name] for name in ("Trainer", "TRL") if times[name] is not None]
    print(f"RATIO train_vs_trl {rates['ours'] / max(rates['TRL'], rates['TRL packed']):.2f}")
    print(f"RATIO train_vs_trainer {rates['ours'] / rates['Trainer']:.2f}")
    tuned = max((rate for name, rate in rates.items() if name.startswith("TRL tuned")), default=None)
    if tuned:
        print(f"RATIO train_vs_trl_tuned_by_hand {rates['ours'] / tuned:.2f}")
    if times["ours"] and peers:
        print(f"RATIO time_to_loss {min(peers) / times['ours']:.2f}")


if __name__ == "__main__":
    main()
