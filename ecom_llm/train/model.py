"""The model and its tokenizer: new ones of the sizes in params, or those of a checkpoint in a folder."""

from collections.abc import Iterable
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen3Config,
    Qwen3ForCausalLM,
    set_seed,
)

from ecom_llm.params import Train
from ecom_llm.records import Example, UserError
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import written
from ecom_llm.train.checkpoint_files import check_checkpoint, check_tokenizer
from ecom_llm.train.lora import four_bit, merged, on_base, with_lora
from ecom_llm.train.masked_model import masked_model_and_tokenizer
from ecom_llm.train.slotting import learned_slotting
from ecom_llm.train.tokenizer import PLAIN_TEMPLATE, train_tokenizer
from ecom_llm.write.encode import with_slots


def new_model(tokenizer: PreTrainedTokenizerBase, train: Train) -> PreTrainedModel:
    """A Qwen3 decoder (Qwen Team 2025) with random weights drawn from `train.seed`.

    Its normalised queries and keys bear the high learning rates that short trainings need: on the built-in catalogue it
    is 0.3 nats per token below a Llama of the same size after 500 steps. Every block begins as the identity (output
    projections of zero, as Fixup: Zhang et al. 2019, and muP's readouts): weights as large as `initializer_range`
    would otherwise drown the embeddings, and copying from the prompt is learned late or not at all.
    """
    set_seed(train.seed)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=train.hidden_size,
            intermediate_size=train.intermediate_size,
            num_hidden_layers=train.num_hidden_layers,
            num_attention_heads=train.num_attention_heads,
            num_key_value_heads=train.num_attention_heads,
            head_dim=train.hidden_size // train.num_attention_heads,
            max_position_embeddings=max(1024, 2 * train.max_length),
            initializer_range=train.initializer_range,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    for layer in model.model.layers:
        torch.nn.init.zeros_(layer.self_attn.o_proj.weight)
        torch.nn.init.zeros_(layer.mlp.down_proj.weight)
    return model


def learned_text(examples: Iterable[Example]) -> Iterable[str]:
    """What the tokenizer is trained on: the prompts and the targets."""
    for example in examples:
        yield SKILLS[example.skill].prompt(example)
        yield example.target


def new_tokenizer(train: Train, examples: Iterable[Example]) -> PreTrainedTokenizerBase:
    """A tokenizer over the training split, which is gone through several times; it knows how its texts are written with slots."""
    if not train.slots:
        return train_tokenizer(learned_text(examples), train.vocab_size)
    slotting = learned_slotting(examples, train.min_value_share, train.mark_stated)
    text = learned_text(with_slots(example, slotting, learned=True) for example in examples)
    tokenizer = train_tokenizer(text, train.vocab_size, map(written, sorted(slotting.names)))
    tokenizer.init_kwargs["slots"] = slotting.model_dump(mode="json")
    return tokenizer


def load_checkpoint(
    folder: Path, dtype: str, four_bits: bool, max_length: int
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a checkpoint to fine-tune: safetensors only, no code from the folder, nothing from the network.

    Raises:
        UserError: the folder holds no such checkpoint, a tokenizer that cannot end a text, or bitsandbytes is missing.
    """
    check_checkpoint(folder, "causal", max_length)
    quantized = {"quantization_config": four_bit()} if four_bits else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=dtype, **quantized
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder}: cannot be loaded as a causal language model: {reason}") from error
    if tokenizer.eos_token is None:
        raise UserError(
            f"{folder}: its tokenizer has no end-of-text token, so no text could end. Use another checkpoint."
        )
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.chat_template = tokenizer.chat_template or PLAIN_TEMPLATE
    tokenizer.padding_side = "left"
    check_tokenizer(tokenizer, model, max_length, str(folder))
    return model, tokenizer


def adapting(model: PreTrainedModel, train: Train) -> PeftModel:
    """The checkpoint with the adapter of params."""
    return with_lora(
        model,
        r=train.lora_r,
        alpha=train.lora_alpha,
        dropout=train.lora_dropout,
        target_modules=train.lora_target_modules,
        seed=train.seed,
    )


def whole_model(model: PreTrainedModel | PeftModel, train: Train, workspace: Path) -> PreTrainedModel:
    """What is registered: the trained weights, an adapter merged into those of its base."""
    if not isinstance(model, PeftModel):
        return model
    if train.load_in_4bit:
        model = on_base(model, load_checkpoint(workspace / train.base_model, train.dtype, False, train.max_length)[0])
    return merged(model)


def model_and_tokenizer(
    train: Train, examples: Iterable[Example], workspace: Path
) -> tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]:
    """What training starts from; `examples` are the training split."""
    if train.objective == "masked":
        return masked_model_and_tokenizer(train, examples, workspace)
    if train.init == "checkpoint":
        folder = workspace / train.base_model
        model, tokenizer = load_checkpoint(folder, train.dtype, train.load_in_4bit, train.max_length)
        return (adapting(model, train) if train.lora_r else model), tokenizer
    tokenizer = new_tokenizer(train, examples)
    return new_model(tokenizer, train), tokenizer
