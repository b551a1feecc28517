"""A model folder -> a model and a tokenizer ready to score and write, on the device asked for."""

import json
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from ecom_llm.records import UserError

UNLOADABLE = (OSError, ValueError, KeyError, RuntimeError, SafetensorError)
"""What transformers raises about a folder that holds no such model: torn weights, and weights of another size, too."""


def pick_device(device: str) -> torch.device:
    """`runtime.device` as a torch device: `auto` takes CUDA where there is one.

    Raises:
        UserError: `cuda` is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "runtime.device is cuda, but torch finds no CUDA device here. Set runtime.device to auto or cpu."
        )
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def load_model(folder: Path, device: torch.device) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load safetensors and tokenizer from a local folder: float32 on the CPU, bfloat16 on CUDA, in evaluation mode.

    No code from the folder runs and nothing is fetched. Sampling settings that a checkpoint brings along are dropped:
    what is measured and served is greedy.

    Raises:
        UserError: the folder holds no such model, one that cannot write, or a tokenizer that cannot render or end a
            conversation, or that has more tokens than the model.
    """
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: holds no model (no config.json). Train one first: dvc repro train")
    if is_masked(folder):
        raise UserError(
            f"{folder}: is a masked language model (train.objective: masked): it scores and compares texts, and writes "
            "none. To write, name a registered model that was trained with objective causal (registry.model_name)."
        )
    silence()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.bfloat16 if device.type == "cuda" else torch.float32,
        )
    except UNLOADABLE as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder}: cannot be loaded as a causal language model: {reason}") from error
    if tokenizer.chat_template is None or tokenizer.eos_token is None:
        raise UserError(f"{folder}: its tokenizer lacks a chat template or an end token. Train the model again.")
    if len(tokenizer) > (known := model.get_input_embeddings().num_embeddings):
        raise UserError(
            f"{folder}: its tokenizer has {len(tokenizer)} tokens and its model {known}: they are not of one "
            "training. Train the model again."
        )
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model.generation_config = GenerationConfig(do_sample=False, pad_token_id=tokenizer.pad_token_id)
    return model.to(device).eval(), tokenizer


def is_masked(folder: Path) -> bool:
    """Whether a folder holds a masked language model, by what its config says."""
    try:
        named = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or [""]
    except (OSError, ValueError, AttributeError):
        return False  # whoever loads it says what is wrong with it
    return str(named[0]).endswith("ForMaskedLM")


def silence() -> None:
    """Keep transformers' bars out of a log."""
    if not sys.stderr.isatty():
        disable_progress_bar()


def load_masked(folder: Path, device: torch.device) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a masked model and its tokenizer as `load_model` does, always in float32: it is small.

    Raises:
        UserError: the folder holds no such model, or a tokenizer without a mask.
    """
    silence()
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        model = AutoModelForMaskedLM.from_pretrained(folder, use_safetensors=True, dtype=torch.float32, **local)
    except UNLOADABLE as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder}: cannot be loaded as a masked language model: {reason}") from error
    if tokenizer.mask_token is None or tokenizer.pad_token is None:
        raise UserError(f"{folder}: its tokenizer lacks a mask or a padding token. Train the model again.")
    return model.to(device).eval(), tokenizer
