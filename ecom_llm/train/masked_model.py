"""A masked language model and its tokenizer: a new ModernBERT of the sizes in params, or a checkpoint's in a folder."""

from collections.abc import Iterable
from pathlib import Path

from safetensors import SafetensorError
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)

from ecom_llm.params import Train
from ecom_llm.records import Example, UserError
from ecom_llm.train.checkpoint_files import check_checkpoint, check_positions
from ecom_llm.train.preflight import Reading, says_something
from ecom_llm.train.tokenizer import train_masked_tokenizer
from ecom_llm.write.reach import longest_input


def new_masked_model(tokenizer: PreTrainedTokenizerBase, train: Train) -> PreTrainedModel:
    """A ModernBERT (Warner et al. 2024) with random weights drawn from `train.seed`, trained on masks alone.

    BERT's own positions are learned, and a short training does not learn them: on 8,000 reviews its loss stays near that of
    guessing by frequency for 800 steps (5.4 nats), where rotary positions and normalisation before each block reach 4.1
    (ADR 13). There is no dropout, so a step is the same, whatever it is split into (ADR 11).
    """
    set_seed(train.seed)
    return ModernBertForMaskedLM(
        ModernBertConfig(
            vocab_size=len(tokenizer),
            hidden_size=train.hidden_size,
            intermediate_size=train.intermediate_size,
            num_hidden_layers=train.num_hidden_layers,
            num_attention_heads=train.num_attention_heads,
            max_position_embeddings=train.max_length,
            initializer_range=train.initializer_range,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=None,
            cls_token_id=tokenizer.cls_token_id,
            sep_token_id=tokenizer.sep_token_id,
        )
    )


def load_masked_checkpoint(folder: Path, max_length: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a masked checkpoint (BERT, RoBERTa, ModernBERT ...): safetensors only, no code from the folder, no network.

    Raises:
        UserError: the folder holds no such checkpoint, or a tokenizer that cannot mask or does not frame a text.
    """
    check_checkpoint(folder, "masked", max_length)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModelForMaskedLM.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="float32"
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder}: cannot be loaded as a masked language model: {reason}") from error
    check_masked_tokenizer(tokenizer, model, str(folder))
    check_positions(max_length, longest_input(model), str(folder))
    return model, tokenizer


def check_masked_tokenizer(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, name: str) -> None:
    """Refuse a tokenizer that does not belong to the model, or that a masked model cannot learn with.

    Raises:
        UserError: more entries than embeddings, no mask or padding token, or texts that do not end in a special one.
    """
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise UserError(
            f"{name}: the tokenizer has {len(tokenizer)} entries and the model {rows} embeddings: they do not belong "
            "together. Take both from one checkpoint."
        )
    lacks = [kind for kind in ("mask_token", "pad_token") if getattr(tokenizer, kind) is None]
    frame = tokenizer("")["input_ids"]
    if lacks or not frame or frame[-1] not in tokenizer.all_special_ids:
        missing = f"has no {lacks[0]}" if lacks else "puts no special token ([SEP], </s>) behind a text"
        raise UserError(
            f"{name}: its tokenizer {missing}, so a masked model cannot learn with it. Use another checkpoint."
        )


def masked_reading(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> Reading:
    """What `survey` needs to know: a text ends as the tokenizer frames it, and has no prompt."""
    frame = tokenizer("")["input_ids"]
    return Reading(
        tokenizer=tokenizer,
        ends=frozenset(frame[-1:]),
        rows=model.get_input_embeddings().num_embeddings,
        frame=frame,
        word=says_something(tokenizer),
    )


def masked_model_and_tokenizer(
    train: Train, examples: Iterable[Example], workspace: Path
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """What training starts from; `examples` are the training split."""
    if train.init == "checkpoint":
        return load_masked_checkpoint(workspace / train.base_model, train.max_length)
    tokenizer = train_masked_tokenizer((example.target for example in examples), train.vocab_size)
    return new_masked_model(tokenizer, train), tokenizer
