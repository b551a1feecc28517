"""docs/gpu.md's table of memory: computed again, from models that have shapes but no numbers."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from peft.helpers import disable_input_dtype_casting
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import (
    AutoModelForCausalLM,
    PreTrainedConfig,
    Qwen3Config,
)

from ecom_llm.train import lora
from flows.overrides import chosen_params

REPO = Path(__file__).parents[3]
GIB = 2**30
QWEN3 = {"num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936}
MODELS = {
    # from their config.json; the counts of parameters are those their authors publish
    "Qwen3-0.6B": {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "tie_word_embeddings": True,
    },
    "Qwen3-1.7B": {
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "tie_word_embeddings": True,
    },
    "Qwen3-8B": {
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "tie_word_embeddings": False,
    },
}


@dataclass(frozen=True)
class Way:
    """A line of the table: how a recipe's model is held and trained on a card."""

    recipe: str
    model: str
    words: str
    base: torch.dtype = torch.float32
    lora_r: int = 0
    recompute: bool = False
    four_bit: bool = False
    processes: int = 1


WAYS = (
    Way("gpu-lora-0.6b", "Qwen3-0.6B", "LoRA, base in float32", lora_r=16),
    Way("gpu-lora-0.6b", "Qwen3-0.6B", "LoRA, base in bfloat16", torch.bfloat16, 16),
    Way("gpu-lora-8b", "Qwen3-8B", "LoRA, base in bfloat16", torch.bfloat16, 16),
    Way("gpu-lora-8b", "Qwen3-8B", "LoRA, base in bfloat16, recomputed", torch.bfloat16, 16, True),
    Way("gpu-lora-8b", "Qwen3-8B", "QLoRA, base in 4 bits, recomputed", torch.bfloat16, 16, True, True),
    Way("gpu-full-1.7b", "Qwen3-1.7B", "all weights"),
    Way("gpu-full-1.7b", "Qwen3-1.7B", "all weights, recomputed", recompute=True),
    Way("gpu-full-8b", "Qwen3-8B", "all weights, on 4 cards", processes=4),
    Way("gpu-full-8b", "Qwen3-8B", "all weights, on 4 cards, recomputed", recompute=True, processes=4),
)


def on_meta(config: PreTrainedConfig, way: Way) -> torch.nn.Module:
    """The model without its numbers."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=way.base)
        model.tie_weights()
    if way.lora_r:
        model = lora.with_lora(model, r=way.lora_r, alpha=32, dropout=0.0, target_modules=lora.ALL_LINEAR, seed=1)
    if way.recompute:
        model.activation_checkpointing_enable()
    return model.train()


def held(model: torch.nn.Module, way: Way) -> float:
    """Bytes of weights, gradients and AdamW's moments: 16 for each weight that learns (four of float32)."""
    four = {
        f"{name}.weight"
        for name, module in model.named_modules()
        if way.four_bit and isinstance(module, torch.nn.Linear) and "layers" in name and "lora" not in name
    }
    # 4 bits, and 8 for every 64 weights, and 32 for every 64 x 256 (Dettmers et al. 2023, section 3)
    quantised = (4 + 8 / 64 + 32 / (64 * 256)) / 8
    total = 0.0
    for name, weight in model.named_parameters():
        frozen = quantised if name in four else weight.element_size()
        total += weight.numel() * (16 if weight.requires_grad else frozen)
    return total / way.processes + (gathered(model) if way.processes > 1 else 0)


def gathered(model: torch.nn.Module) -> int:
    """Bytes of what FSDP2 holds whole in bfloat16 at once: the layer that computes, the next one, embeddings and logits."""
    parts = [*model.model.layers[:2], model.model.embed_tokens, model.lm_head]
    return sum(2 * weight.numel() for part in parts for weight in part.parameters())


def kept(model: torch.nn.Module, rows: int, length: int) -> int:
    """Bytes that autograd keeps of a forward pass under autocast, each storage once and no weight, without computing it."""
    seen: dict[int, torch.UntypedStorage] = {}
    with FakeTensorMode():
        weights = {
            name: torch.nn.Parameter(torch.empty(one.shape, dtype=one.dtype), requires_grad=one.requires_grad)
            for name, one in model.named_parameters()
        }
        buffers = {name: torch.ones(one.shape, dtype=one.dtype) for name, one in model.named_buffers()}
        own = {one.untyped_storage()._cdata for one in weights.values()}

        def note(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in own:
                seen[storage._cdata] = storage  # held, so that its address is given to no other
            return tensor

        ids = torch.zeros(rows, length, dtype=torch.long)
        given = {"input_ids": ids, "position_ids": torch.arange(length).expand(rows, -1), "use_cache": False}
        hooks = torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor)
        # under autocast everything is multiplied in bfloat16, whatever peft casts an input to before
        with disable_input_dtype_casting(model), hooks, torch.autocast("cpu", torch.bfloat16):
            given["logits_to_keep"] = length // 2 + 1
            logits = torch.func.functional_call(model, weights | buffers, (), given).logits
            torch.nn.functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, -(length // 2) :].flatten())
        return sum(storage.nbytes() for storage in seen.values())


def line(way: Way) -> str:
    """The line of docs/gpu.md for a way: layers are alike, so two and three of them say what all of them need."""
    train = chosen_params(REPO / "params.yaml", REPO / "recipes" / f"{way.recipe}.yaml", []).train
    rows, length = train.per_device_train_batch_size, train.max_length
    layers = MODELS[way.model]["num_hidden_layers"]
    found = []
    for count in (2, 3):
        config = Qwen3Config(**(QWEN3 | MODELS[way.model] | {"num_hidden_layers": count}))
        model = on_meta(config, way)
        # gathered weights are bfloat16 and freed after use; autocast would keep a copy of each
        computing = on_meta(config, replace(way, base=torch.bfloat16)) if way.processes > 1 else model
        found.append((held(model, way), kept(computing, rows, length)))
    weights, activations = (two + (three - two) * (layers - 2) for two, three in zip(*found, strict=True))
    # of the logits the loss needs a gradient in float32 and its bfloat16 copy, while everything else is still kept
    activations += 6 * rows * (length // 2 + 1) * QWEN3["vocab_size"]
    sizes = [weights / GIB, activations / GIB, (weights + activations) / GIB]
    said = " | ".join(f"{size:.1f}" for size in sizes)
    return f"| [{way.recipe}](../recipes/{way.recipe}.yaml) | {way.model} | {way.words} | {rows} x {length} | {said} |"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.recipe}: {way.words}")
def test_the_memory_on_the_page_is_what_is_computed(way):
    assert line(way) in (REPO / "docs" / "gpu.md").read_text().splitlines()


def test_the_page_has_no_other_line_and_every_recipe():
    page = (REPO / "docs" / "gpu.md").read_text()
    assert len(re.findall(r"^\| \[gpu-", page, re.MULTILINE)) == len(WAYS)
    assert {way.recipe for way in WAYS} == {recipe.stem for recipe in (REPO / "recipes").glob("gpu-*.yaml")}


@pytest.mark.parametrize(("name", "billions"), [("Qwen3-0.6B", 0.596), ("Qwen3-1.7B", 1.721), ("Qwen3-8B", 8.191)])
def test_the_models_have_the_sizes_their_authors_publish(name, billions):
    config = Qwen3Config(**(QWEN3 | MODELS[name]))
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
        model.tie_weights()
    assert model.num_parameters() / 1e9 == pytest.approx(billions, abs=0.001)
