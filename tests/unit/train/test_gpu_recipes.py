"""Recipes for GPUs: each trains a tiny model of its architecture here, and docs/gpu.md says what was computed."""

import csv
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

from ecom_llm.params import Params, read_yaml, validate
from ecom_llm.train.stage import run
from ecom_llm.train.tokenizer import train_tokenizer
from ecom_llm.write.encode import turns

REPO = Path(__file__).parents[3]
RECIPES = sorted((REPO / "recipes").glob("gpu-*.yaml"))
MARKED = [
    pytest.param(recipe, marks=pytest.mark.processes) if "num_processes" in recipe.read_text() else recipe
    for recipe in RECIPES
]
"""Those that train in several processes take most of a minute each."""
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
NO_BF16 = {"mixed_precision": "auto"}
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
@pytest.mark.parametrize("recipe", MARKED, ids=[recipe.stem for recipe in RECIPES])
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
    if params.train.num_processes > 1:  # two are as good as four; not every CPU has bfloat16
        params = params_of(recipe, **params.train.model_dump() | {"num_processes": 2, "num_threads": 1} | NO_BF16)
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


def test_thinking_is_off_and_no_day_but_one_stands_in_a_prompt():
    for architecture, (build, _, _) in ARCHITECTURES.items():
        prompt, completion = turns(build(), "What is it?", "A lamp.")
        assert completion == {"qwen3": "A lamp.<|im_end|>", "llama": "A lamp.<|eot_id|>"}[architecture]
        assert prompt.endswith(
            {"qwen3": "assistant\n<think>\n\n</think>\n\n", "llama": "<|end_header_id|>\n\n"}[architecture]
        )
    assert "Today Date: 01 Jan 2025\n" in turns(llama3_tokenizer(), "What is it?", "A lamp.")[0]
