"""Recipes for GPUs: each trains a tiny model of its architecture here, and docs/gpu.md says what was computed."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from peft.helpers import disable_input_dtype_casting
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

from ecom_llm.params import Params, read_yaml, validate
from ecom_llm.train import lora
from ecom_llm.train.encode import turns
from ecom_llm.train.stage import run
from ecom_llm.train.tokenizer import train_tokenizer

REPO = Path(__file__).parents[3]
RECIPES = sorted((REPO / "recipes").glob("gpu-*.yaml"))
TINY = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 1024,
}
QWEN3_TEMPLATE = (
    # what Qwen3's own template does with one question and its answer; tools and reasoning over several turns left out
    "{%- for message in messages %}"
    "{%- if message.role == 'assistant' %}"
    "{%- set parts = message.content.split('</think>') %}"
    "{%- set thought = parts[0].split('<think>')[-1].strip('\\n') if parts|length > 1 else '' %}"
    "{{- '<|im_start|>assistant\\n<think>\\n' + thought + '\\n</think>\\n\\n' + parts[-1].lstrip('\\n') }}"
    "{%- else %}{{- '<|im_start|>' + message.role + '\\n' + message.content }}{%- endif %}"
    "{{- '<|im_end|>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    "{%- endif %}"
)
LLAMA3_TEMPLATE = (
    # what Llama 3.2's own template does: the day it is rendered stands in every prompt, unless it is told another
    "{%- if not date_string is defined %}{%- set date_string = strftime_now('%d %b %Y') %}{%- endif %}"
    "{{- bos_token }}{{- '<|start_header_id|>system<|end_header_id|>\\n\\nToday Date: ' + date_string + '\\n\\n<|eot_id|>' }}"
    "{%- for message in messages %}"
    "{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' + message.content | trim + '<|eot_id|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"
)
TEXTS = [
    "A red dress, number 1.",
    "一款藏青色的笔记本电脑，编号2。",
    "Describe the product. category: lamp colour: green",
]


def tokenizer_of(
    template: str, special: tuple[str, ...], plain: tuple[str, ...], **named: str
) -> PreTrainedTokenizerFast:
    """A tokenizer of a few texts with the tokens an instruction-tuned checkpoint adds, and its chat template."""
    backend = train_tokenizer(TEXTS, 300).backend_tokenizer
    backend.add_special_tokens(list(special))
    backend.add_tokens(list(plain))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, **named)
    tokenizer.chat_template = template
    return tokenizer


def qwen3_tokenizer() -> PreTrainedTokenizerFast:
    """As Qwen3's: turns end with the end-of-text, and the tags of thinking are tokens, but no special ones."""
    special, plain = ("<|endoftext|>", "<|im_start|>", "<|im_end|>"), ("<think>", "</think>")
    return tokenizer_of(QWEN3_TEMPLATE, special, plain, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def llama3_tokenizer() -> PreTrainedTokenizerFast:
    """As Llama 3's: no padding token, and a beginning of text that the template writes."""
    special = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
    return tokenizer_of(LLAMA3_TEMPLATE, special, (), bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")


ARCHITECTURES = {
    "qwen3": (qwen3_tokenizer, Qwen3Config, True),
    "llama": (llama3_tokenizer, LlamaConfig, False),
}


def checkpoint(architecture: str, folder: Path) -> Path:
    """A random checkpoint such as a recipe starts from, in bfloat16 as they are published."""
    build, config, tied = ARCHITECTURES[architecture]
    tokenizer = build()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = config(
        vocab_size=len(tokenizer) + 5,  # published models have more embeddings than their tokenizers have entries
        tie_word_embeddings=tied,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        **TINY,
    )
    AutoModelForCausalLM.from_config(sizes, dtype=torch.bfloat16).save_pretrained(folder)
    return folder


def merged(base: dict, overlay: dict) -> dict:
    nested = {
        key: merged(base[key], value) for key, value in overlay.items() if isinstance(value, dict) and key in base
    }
    return {**base, **overlay, **nested}


def params_of(recipe: Path, **train: object) -> Params:
    values = merged(read_yaml(REPO / "params.yaml"), read_yaml(recipe))
    return validate(merged(values, {"train": train}), recipe.name)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_trains_a_tiny_model_of_its_architecture(recipe, architecture, prepared, tmp_path):
    base = checkpoint(architecture, tmp_path / "base")
    steps = {
        "max_steps": 2,
        "warmup_steps": 1,
        "logging_steps": 1,
        "eval_steps": 2,
        "eval_examples": 4,
        "save_steps": 2,
    }
    sizes = {"max_length": 400, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    params = params_of(recipe, base_model=str(base), learning_rate=0.001, **steps, **sizes)
    run(params, prepared)

    with prepared.curve.open() as handle:
        assert [row["step"] for row in csv.DictReader(handle)] == ["1", "2"]
    before, after = (AutoModelForCausalLM.from_pretrained(at, dtype="float32") for at in (base, prepared.model))
    assert type(after) is type(before)
    moved = [name for name, weight in after.named_parameters() if not torch.equal(weight, before.get_parameter(name))]
    assert any("q_proj" in name for name in moved)
    # the adapter of a recipe that has one lies beside the whole model, and is all that moved
    assert (prepared.model / "adapter" / "adapter_model.safetensors").exists() == bool(params.train.lora_r)
    assert any("norm" in name or "embed" in name for name in moved) == (params.train.lora_r == 0)
    assert all(torch.isfinite(weight).all() for weight in after.parameters())
    kept = AutoTokenizer.from_pretrained(prepared.model)
    assert kept.chat_template == AutoTokenizer.from_pretrained(base).chat_template
    assert kept.get_vocab() == AutoTokenizer.from_pretrained(base).get_vocab()


# docs/gpu.md: the table of memory, computed

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
    cards: int = 1


WAYS = (
    Way("gpu-lora-0.6b", "Qwen3-0.6B", "LoRA, base in float32", lora_r=16),
    Way("gpu-lora-0.6b", "Qwen3-0.6B", "LoRA, base in bfloat16", torch.bfloat16, 16),
    Way("gpu-lora-8b", "Qwen3-8B", "LoRA, base in bfloat16", torch.bfloat16, 16),
    Way("gpu-lora-8b", "Qwen3-8B", "LoRA, base in bfloat16, recomputed", torch.bfloat16, 16, True),
    Way("gpu-lora-8b", "Qwen3-8B", "QLoRA, base in 4 bits, recomputed", torch.bfloat16, 16, True, True),
    Way("gpu-full-1.7b", "Qwen3-1.7B", "all weights"),
    Way("gpu-full-1.7b", "Qwen3-1.7B", "all weights, recomputed", recompute=True),
    Way("gpu-full-multi", "Qwen3-8B", "all weights over 4 cards, recomputed", recompute=True, cards=4),
)


def test_thinking_is_off_and_no_day_but_one_stands_in_a_prompt():
    for architecture, (build, _, _) in ARCHITECTURES.items():
        prompt, completion = turns(build(), "What is it?", "A lamp.")
        assert completion == {"qwen3": "A lamp.<|im_end|>", "llama": "A lamp.<|eot_id|>"}[architecture]
        assert prompt.endswith(
            {"qwen3": "assistant\n<think>\n\n</think>\n\n", "llama": "<|end_header_id|>\n\n"}[architecture]
        )
    assert "Today Date: 01 Jan 2025\n" in turns(llama3_tokenizer(), "What is it?", "A lamp.")[0]


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
    return total / way.cards


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
    train = params_of(REPO / "recipes" / f"{way.recipe}.yaml").train
    rows, length = train.per_device_train_batch_size, train.max_length
    layers = MODELS[way.model]["num_hidden_layers"]
    found = []
    for count in (2, 3):
        config = Qwen3Config(**(QWEN3 | MODELS[way.model] | {"num_hidden_layers": count}))
        model = on_meta(config, way)
        found.append((held(model, way), kept(model, rows, length)))
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
    assert {way.recipe for way in WAYS} == {recipe.stem for recipe in RECIPES}


@pytest.mark.parametrize(("name", "billions"), [("Qwen3-0.6B", 0.596), ("Qwen3-1.7B", 1.721), ("Qwen3-8B", 8.191)])
def test_the_models_have_the_sizes_their_authors_publish(name, billions):
    config = Qwen3Config(**(QWEN3 | MODELS[name]))
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
        model.tie_weights()
    assert model.num_parameters() / 1e9 == pytest.approx(billions, abs=0.001)
