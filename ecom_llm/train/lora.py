"""LoRA with peft (Hu et al. 2021): small matrices learn beside frozen weights, and are added to them in the end."""

import json
import warnings
from collections.abc import Sequence
from copy import copy
from importlib.util import find_spec
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from peft.utils import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME
from safetensors.torch import save_file
from transformers import BitsAndBytesConfig, PreTrainedModel, set_seed
from transformers.pytorch_utils import Conv1D

from ecom_llm.records import UserError

ALL_LINEAR = "all-linear"
"""peft's word for every linear layer but the one that gives the logits."""
ADAPTER = "default"
"""peft's name for the only adapter of a model; Trainer's checkpoints use it too."""


def linear_names(model: PreTrainedModel) -> set[str]:
    """Last names of the layers that may get an adapter: `q_proj`, `down_proj` and their like.

    The layer of the logits is left out where it is the embedding table too (`tie_word_embeddings`): merged, an adapter
    of the one would change the other, and the merged model would no longer be the trained one.
    """
    head = model.get_output_embeddings()
    tied = head is not None and head.weight is model.get_input_embeddings().weight
    return {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and not (tied and module is head)
    }


def check_targets(model: PreTrainedModel, target_modules: str | Sequence[str]) -> None:
    """peft itself complains only when none of the names is found; one misspelled among many it leaves out silently.

    Raises:
        UserError: names the layer that is not there and those that are.
    """
    if target_modules == ALL_LINEAR:
        return
    known = linear_names(model)
    unknown = [target_modules] if isinstance(target_modules, str) else sorted(set(target_modules) - known)
    if unknown:
        raise UserError(
            f"train.lora_target_modules: {unknown[0]!r} is no layer of {type(model).__name__} that can have an adapter. "
            f"Expected {ALL_LINEAR}, or a list of: {', '.join(sorted(known))}."
        )


def adapted(model: PreTrainedModel, config: LoraConfig) -> PeftModel:
    """`model` with an adapter injected, in silence about what peft 0.21 still calls by its old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return get_peft_model(model, config)


def with_lora(
    model: PreTrainedModel, *, r: int, alpha: float, dropout: float, target_modules: str | Sequence[str], seed: int
) -> PeftModel:
    """`model` with an adapter of rank `r`, the only weights that learn; at first it changes no logit (B is zero).

    The same seed gives the same adapter. Its weights are float32 whatever the model's are, since steps of Adam are
    smaller than bfloat16 can add. Where activations are recomputed, transformers makes the frozen embeddings' output
    ask for a gradient, without which a block checkpointed with reentry would give none to the adapters in it.

    Raises:
        UserError: a name in `target_modules` is no linear layer of the model.
    """
    check_targets(model, target_modules)
    set_seed(seed)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=r,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=target_modules if target_modules == ALL_LINEAR else list(target_modules),
    )
    return adapted(model, config)


def merged(model: PeftModel) -> PreTrainedModel:
    """The base with the adapter added to its weights, W + alpha / r * B A, in the base's own type.

    The base is changed in place: `model` is of no use afterwards.

    Raises:
        ValueError: the adapter holds a NaN or an infinity, or the base is quantised (see `on_base`).
    """
    base = model.get_base_model()
    if getattr(base, "is_quantized", False):
        raise ValueError("an adapter cannot be merged into quantised weights without loss; merge on_base(model, base)")
    return model.merge_and_unload(safe_merge=True)


def on_base(model: PeftModel, base: PreTrainedModel) -> PeftModel:
    """The adapter of `model` on another copy of its base: what was trained over 4-bit weights is merged into whole ones.

    bitsandbytes would round the sum to 4 bits again, and the registry takes full weights.
    """
    moved = adapted(base, copy(model.peft_config[ADAPTER]))
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    left = set_peft_model_state_dict(moved, weights)
    if left.unexpected_keys:
        raise ValueError(f"the adapter does not belong to this base: no place for {left.unexpected_keys[0]}")
    return moved


def shown_name(name_or_path: str | None) -> str | None:
    """A Hub id as it is; of a folder its name alone: where it lies on this machine is nobody's business."""
    return Path(name_or_path).name if name_or_path and Path(name_or_path).is_absolute() else name_or_path


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write `adapter_model.safetensors` and `adapter_config.json`, as `PeftModel.from_pretrained(base, folder)` reads them.

    `PeftModel.save_pretrained` is not used: it writes the base's path, asks the Hub whether the vocabulary grew, and
    lists `target_modules` in the order of a set, so that every process would write other bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    whole = {name: weight.detach().cpu().contiguous() for name, weight in weights.items()}
    save_file(whole, folder / SAFETENSORS_WEIGHTS_NAME, metadata={"format": "pt"})
    config = copy(model.peft_config[ADAPTER])
    config.base_model_name_or_path = shown_name(config.base_model_name_or_path)
    config.inference_mode = True
    config.save_pretrained(str(folder))
    written = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
    written["target_modules"] = sorted(written["target_modules"])
    (folder / CONFIG_NAME).write_text(json.dumps(written, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def four_bit() -> BitsAndBytesConfig:
    """QLoRA's base (Dettmers et al. 2023): NF4 with doubly quantised scales, 4.13 bits a weight, computed in bfloat16.

    Raises:
        UserError: bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise UserError(
            "train.load_in_4bit is true, but bitsandbytes is not installed here. "
            "Install it (pip install 'bitsandbytes>=0.46.1'), or set train.load_in_4bit=false."
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
