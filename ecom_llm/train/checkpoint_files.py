"""A starting checkpoint, by its files before its weights are read, then model against tokenizer: a clear line for each fault."""

import json
import logging
import re
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError, safe_open
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from ecom_llm.records import UserError

logger = logging.getLogger(__name__)
Objective = Literal["causal", "masked"]
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
MARKER = re.compile(r"<[|｜][^<>|｜\s]+[|｜]>|<(?:start|end)_of_[a-z]+>")
"""How chat templates mark turns: `<|im_end|>`, `<end_of_turn>`, `<｜Assistant｜>`."""
SPARE_ROWS = 0.1
"""Share of embedding rows that may stand without an entry: models pad their tables to round numbers."""
VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
    "tekken.json",
)
"""Any one of them holds a vocabulary; tokenizer_config.json alone does not."""


def check_checkpoint(folder: Path, objective: Objective, max_length: int) -> None:
    """Check that a folder holds a checkpoint that can be trained: its config, every weight file and its tokenizer.

    Of the weights only the headers are read, which say how long a file must be: a copy cut short is found in
    milliseconds, whatever its size.

    Raises:
        UserError: not a Hugging Face folder, pickled weights only, a file missing, damaged or cut short, an adapter
            instead of a model, no tokenizer, an architecture of another objective, or `max_length` beyond its reach.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder. train.base_model names the folder of a Hugging Face checkpoint.")
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise UserError(
            f"{folder}: is a LoRA adapter, not a model. Name the model it was merged into, or merge it first."
        )
    config = read_json(folder / "config.json")
    check_architecture(folder, config, objective)
    check_positions(max_length, positions(config), str(folder))
    check_weights(folder)
    check_vocabulary(folder)


def read_json(path: Path) -> dict[str, object]:
    """A JSON object; missing, cut short or of another kind is a UserError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{path.parent}: train.init is checkpoint, but train.base_model holds no Hugging Face checkpoint there: "
            f"{path.name} is missing (expected config.json, tokenizer files and {WEIGHTS}). "
            "Name the folder of one, or set train.init=scratch."
        ) from error
    except (OSError, ValueError) as error:  # a JSON or a UTF-8 error is a ValueError
        raise UserError(f"{path}: cannot be read as JSON ({' '.join(str(error).split())}). Copy it again.") from error
    if not isinstance(value, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(value).__name__}. Copy it again.")
    return value


def class_names(mapping: dict[str, object], model_type: str) -> set[str]:
    """The classes transformers loads a model type with; its tables hold a name, or several."""
    named = mapping.get(model_type, ())
    return {named} if isinstance(named, str) else set(named)


def check_architecture(folder: Path, config: dict[str, object], objective: Objective) -> None:
    """Refuse a model of another kind.

    transformers would load a BERT as a "causal" model whose tokens see their right neighbours, or a bare encoder with a
    random head, and only warn: the loss would look fine and the texts would not.
    """
    causal = objective == "causal"
    model_type = str(config.get("model_type", ""))
    if model_type not in CONFIG_MAPPING_NAMES:
        found = f"model_type {model_type!r}" if model_type else "no model_type"
        own = " It needs Python code of its own, which is never run here." if config.get("auto_map") else ""
        raise UserError(
            f"{folder}/config.json: {found}, which this transformers does not know.{own} Use another model."
        )
    mapping = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES if causal else MODEL_FOR_MASKED_LM_MAPPING_NAMES
    wanted = class_names(mapping, model_type)
    declared = config.get("architectures") or sorted(wanted)
    if not wanted.intersection(declared):
        expected = ", ".join(sorted(wanted)) or f"a model type that has one, which {model_type} has not"
        raise UserError(
            f"{folder}/config.json: architecture {', '.join(map(str, declared)) or model_type} is no {objective} "
            f"language model (expected {expected}). Name another checkpoint, or change the objective."
        )


def positions(config: dict[str, object]) -> int | None:
    """The longest text a model's config allows, in tokens; None where it says nothing."""
    text = config.get("text_config")  # models that also see or hear keep their language model's sizes there
    sizes = {**config, **text} if isinstance(text, dict) else config
    found = next((sizes[name] for name in ("max_position_embeddings", "n_positions") if sizes.get(name)), None)
    return found if isinstance(found, int) else None


def check_positions(max_length: int, limit: int | None, name: str) -> None:
    """Refuse a sequence limit above the model's.

    With learned positions a longer text is an index error in the middle of training; with rotary ones it trains on
    angles the model never saw, silently.
    """
    if limit is not None and max_length > limit:
        raise UserError(
            f"{name}: train.max_length {max_length} is above the model's max_position_embeddings {limit}. "
            f"Set train.max_length to {limit} or less, or use a model for longer texts."
        )


def check_weights(folder: Path) -> None:
    """Refuse weights that are pickled, missing or cut short."""
    if (folder / WEIGHTS).is_file():
        tensor_names(folder / WEIGHTS)
        return
    if not (folder / INDEX).is_file():
        raise UserError(f"{folder}: {no_weights(folder)}")
    weight_map = read_json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise UserError(f"{folder / INDEX}: expected a weight_map of tensor names to files. Copy it again.")
    shards = sorted(set(map(str, weight_map.values())))
    missing = [name for name in shards if not (folder / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(
            f"{folder}: {len(missing)} of the {len(shards)} weight files in {INDEX} missing: {missing[0]}{more}. "
            "Copy the whole checkpoint again."
        )
    for shard in shards:
        lost = {name for name, file in weight_map.items() if file == shard} - tensor_names(folder / shard)
        if lost:
            raise UserError(
                f"{folder / shard}: lacks {len(lost)} tensors that {INDEX} promises, {min(lost)} for one: the files are "
                "of different checkpoints. Copy the whole checkpoint again."
            )


def no_weights(folder: Path) -> str:
    """What a folder without safetensors holds instead, and what to do."""
    pickled = sorted(
        path.name for pattern in PICKLES for path in folder.glob(pattern) if path.name != "training_args.bin"
    )
    if pickled:
        return (
            f"only pickled weights ({pickled[0]}), which can run code as they are loaded and are never opened here. "
            f"Use the checkpoint's {WEIGHTS}, or convert it: model.save_pretrained(folder) writes one."
        )
    return f"no weights (expected {WEIGHTS}, or {INDEX} and the files it names). Copy the whole checkpoint again."


def tensor_names(path: Path) -> set[str]:
    """Names of the tensors in a safetensors file whose header and length agree."""
    try:
        # numpy suffices: nothing but the header is read
        with safe_open(path, framework="numpy") as tensors:
            return set(tensors.keys())
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path}: is damaged or cut short ({' '.join(str(error).split())}; {path.stat().st_size} bytes). "
            "Copy or download it again."
        ) from error


def check_vocabulary(folder: Path) -> None:
    """Refuse a folder without tokenizer, or with one that was cut short."""
    found = [name for name in VOCABULARIES if (folder / name).is_file()]
    if not found:
        raise UserError(
            f"{folder}: no tokenizer (expected tokenizer.json, or tokenizer.model or its like). "
            "Copy the tokenizer files of the same checkpoint into the folder."
        )
    # the tokenizers library raises a bare Exception at a broken file, which names neither file nor cause
    for name in {"tokenizer.json", "tokenizer_config.json"}:
        if (folder / name).is_file():
            read_json(folder / name)


def check_tokenizer(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, max_length: int, name: str) -> None:
    """Refuse a tokenizer that does not belong to the model, and a sequence limit above the model's.

    Args:
        name: what the user knows the model by, its folder.

    Raises:
        UserError: more entries than embeddings, another end-of-text, or `max_length` beyond the model's reach.
    """
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise UserError(
            f"{name}: the tokenizer has {len(tokenizer)} entries and the model {rows} embeddings: they do not belong "
            "together. Take both from one checkpoint."
        )
    ends = configured_ids(model, "eos_token_id")
    if ends and tokenizer.eos_token_id not in ends:
        raise UserError(
            f"{name}: texts end with {tokenizer.eos_token!r} (id {tokenizer.eos_token_id}) for the tokenizer and with "
            f"id {', '.join(map(str, sorted(ends)))} for the model: they do not belong together. "
            "Take both from one checkpoint, or mend eos_token_id in its config.json."
        )
    check_positions(max_length, getattr(model.config.get_text_config(), "max_position_embeddings", None), name)
    warn_of_tokenizer(tokenizer, model, name)


def warn_of_tokenizer(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, name: str) -> None:
    """Say what is odd and may be meant.

    Padding is masked, so another pad id harms nothing. Published chat models exist (Zephyr, TinyLlama) whose template
    writes markers that are no entries: they learned them in pieces.
    """
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) < (1 - SPARE_ROWS) * rows:
        logger.warning("%s: the model has %d embeddings and its tokenizer only %d entries", name, rows, len(tokenizer))
    pads = configured_ids(model, "pad_token_id")
    if pads and tokenizer.pad_token_id not in pads:
        logger.warning(
            "%s: padding is id %s for the tokenizer and %s for the model", name, tokenizer.pad_token_id, min(pads)
        )
    pieces = unknown_markers(tokenizer)
    if pieces:
        logger.warning("%s: the chat template writes %s, no entry of the tokenizer", name, ", ".join(pieces))


def unknown_markers(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Markers of turns that the chat template really writes around an answer and the tokenizer has no entry for."""
    dialogue = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
    written = tokenizer.apply_chat_template(dialogue, tokenize=False)
    return sorted(set(MARKER.findall(written)) - set(tokenizer.get_vocab()))


def configured_ids(model: PreTrainedModel, name: str) -> set[int]:
    """A token id of the model's config and generation config, which may each hold none, one or several."""
    configs = (model.config.get_text_config(), getattr(model, "generation_config", None))
    found = [getattr(config, name, None) for config in configs]
    return {one for value in found for one in (value if isinstance(value, list) else [value]) if one is not None}
