"""Model folders that are damaged, exchanged or tampered with: real safetensors, loaded, evaluated and verified for real."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ecom_llm.evaluate.stage import run as evaluate
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.promote.gate import Entrant
from ecom_llm.registry.keys import make_own, signing_key, trusted
from ecom_llm.registry.signing import check, sign
from ecom_llm.train.model import new_tokenizer
from proofs.gate_scoring import read_from
from proofs.gate_shop import WEIGHTS, Shop, linked


def rewritten(folder: Path, change: Callable[[str, torch.Tensor], torch.Tensor]) -> None:
    """The weights after a change of each tensor, in a valid file."""
    tensors = {name: change(name, tensor).contiguous() for name, tensor in load_file(folder / WEIGHTS).items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def not_numbers(folder: Path, shop: Shop) -> None:
    """One weight in the middle is NaN."""

    def change(name: str, tensor: torch.Tensor) -> torch.Tensor:
        if name.endswith("layers.1.mlp.down_proj.weight"):
            tensor[0, 0] = float("nan")
        return tensor

    rewritten(folder, change)


def zeroed(folder: Path, shop: Shop) -> None:
    """Two layers give nothing."""
    rewritten(folder, lambda name, tensor: tensor * 0 if ".layers.1." in name or ".layers.2." in name else tensor)


def noisy(folder: Path, shop: Shop) -> None:
    generator = torch.Generator().manual_seed(1)
    rewritten(folder, lambda name, one: one + 0.3 * one.std() * torch.randn(one.shape, generator=generator))


def stale_tokenizer(folder: Path, shop: Shop) -> None:
    """The tokenizer of an older, smaller catalogue."""
    new_tokenizer(shop.params.train, shop.splits["train"][:300]).save_pretrained(folder)


def fewer_layers(folder: Path, shop: Shop) -> None:
    """The config says half the layers."""
    config = json.loads((folder / "config.json").read_text())
    config["num_hidden_layers"] //= 2
    if "layer_types" in config:
        config["layer_types"] = config["layer_types"][: config["num_hidden_layers"]]
    (folder / "config.json").write_text(json.dumps(config))


def torn(folder: Path, shop: Shop) -> None:
    """The file ends in the middle."""
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def pickled(folder: Path, shop: Shop) -> None:
    """A pickle instead of safetensors."""
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def own_code(folder: Path, shop: Shop) -> None:
    """A config that asks for code of its own to be run."""
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text("raise SystemExit('code of a model was run')\n")


@dataclass(frozen=True)
class Damaged:
    """What was done to a model's folder, and what has to refuse it: a check, or `evaluate` with words of its message."""

    name: str
    damage: Callable[[Path, Shop], None]
    expected: tuple[str, str]


DAMAGES: Sequence[Damaged] = (
    Damaged("NaN weight", not_numbers, ("evaluate", "no finite probability")),
    Damaged("two layers zeroed", zeroed, ("superior", "bits_per_byte")),
    Damaged("noise on all weights", noisy, ("superior", "bits_per_byte")),
    Damaged("stale tokenizer", stale_tokenizer, ("superior", "bits_per_byte")),
    Damaged("config with half the layers", fewer_layers, ("superior", "bits_per_byte")),
    Damaged("torn safetensors", torn, ("evaluate", "cannot be loaded")),
    Damaged("pickle instead of safetensors", pickled, ("evaluate", "cannot be loaded")),
    Damaged("brings code of its own", own_code, ("evaluate", "cannot be loaded")),
)


def greedy(params: Params) -> Params:
    """Params by which a model writes the likeliest texts alone: a damaged one needs no second try, and this one is quick."""
    return params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"decoding": "greedy"})})


def measured(model: Path, workspace: Path, shop: Shop, version: str, params: Params | None = None) -> Entrant:
    """A model folder evaluated by our stage on the shop's test set; a UserError where it cannot be."""
    layout = Layout(linked(workspace, shop.prepared), workspace / "state")
    if model != layout.model:
        shutil.rmtree(layout.model, ignore_errors=True)
        shutil.copytree(model, layout.model)
    evaluate(params or greedy(shop.params), layout)
    return read_from(workspace, version)


def damaged(one: Damaged, workspace: Path, shop: Shop) -> Entrant:
    """The good model after it was damaged, evaluated."""
    model = Layout(workspace, workspace).model
    shutil.rmtree(workspace, ignore_errors=True)
    shutil.copytree(shop.model("good"), model)
    one.damage(model, shop)
    return measured(model, workspace, shop, "2")


def other_sample(workspace: Path, shop: Shop) -> Entrant:
    """The good model on other test examples."""
    params = greedy(shop.params)
    update = {"seed": params.evaluate.seed + 1, "max_examples": params.evaluate.max_examples // 2}
    params = params.model_copy(update={"evaluate": params.evaluate.model_copy(update=update)})
    return measured(shop.model("good"), workspace, shop, "2", params)


def on_train(workspace: Path, shop: Shop) -> Entrant:
    """The good model on what it learned from."""
    if Layout(workspace, workspace).metrics.exists():
        return read_from(workspace, "2")  # it is asked for twice
    shutil.rmtree(workspace, ignore_errors=True)
    prepared = workspace / "data" / "prepared"
    shutil.copytree(shop.prepared, prepared)
    shutil.rmtree(prepared / "test")
    shutil.copytree(prepared / "train", prepared / "test")
    return measured(shop.model("good"), workspace, shop, "2")


def flipped(folder: Path, shop: Shop) -> None:
    """One bit in the middle of the weights."""
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(data)


def exchanged(folder: Path, shop: Shop) -> None:
    """The champion's weights."""
    shutil.copyfile(shop.model("champion") / WEIGHTS, folder / WEIGHTS)


def added(folder: Path, shop: Shop) -> None:
    """A file more."""
    (folder / "generation.py").write_text("pass\n")


def removed(folder: Path, shop: Shop) -> None:
    (folder / "tokenizer_config.json").unlink()


def nothing(folder: Path, shop: Shop) -> None:
    """The folder stays as it was; the signature is a stranger's."""


TAMPERED: Sequence[Damaged] = (
    Damaged("signed, then the champion's weights", exchanged, ("verify", WEIGHTS)),
    Damaged("signed, then one bit of the weights", flipped, ("verify", WEIGHTS)),
    Damaged("signed, then a file more", added, ("verify", "generation.py")),
    Damaged("signed, then a file less", removed, ("verify", "tokenizer_config.json")),
    Damaged("signed by a stranger", nothing, ("verify", "trusted")),
)


def verified(one: Damaged, workspace: Path, shop: Shop) -> None:
    """The good model signed, then tampered with, then checked as promotion checks it; a BrokenLink says what is wrong."""
    shutil.rmtree(workspace, ignore_errors=True)
    own = Layout(workspace / "shop", workspace / "state")
    signing_key("own", own)
    stranger = Layout(workspace / "shop", workspace / "stranger")
    model = own.model
    shutil.copytree(shop.model("good"), model)
    sign(model, workspace / "model.sig", make_own(stranger if one.damage is nothing else own))
    one.damage(model, shop)
    check(model, workspace / "model.sig", trusted(own), "model")
