"""The tokenizer trained from scratch: byte-level BPE, so that every string of every language can be written."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

MASKED_SPECIAL = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
"""BERT's, under the names transformers gives them."""
PAD, USER, ASSISTANT, END = "<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% else %}<|assistant|>{{ message['content'] }}<|end|>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ message['content'] }}\n\n"
    "{% else %}{{ message['content'] }}{{ eos_token }}{% endif %}"
    "{% endfor %}"
)
"""For checkpoints that come without a chat template: no token of it is new to them."""


def byte_level_bpe(texts: Iterable[str], vocab_size: int, special_tokens: list[str]) -> "Tokenizer":
    """Train byte-level BPE (Sennrich et al. 2016 over bytes, as GPT-2).

    A Han character is a word of its own: otherwise merges would run across the border between an attribute's value and
    the words around it, and one value would have other tokens in the prompt than in the text that is to state it.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\p{Han}"), behavior="isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=special_tokens,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train_tokenizer(texts: Iterable[str], vocab_size: int, slots: Iterable[str] = ()) -> "PreTrainedTokenizerBase":
    """Train a byte-level BPE tokenizer with our chat template.

    Args:
        slots: slots as written, `⟦colour⟧`: one token each, beside the `vocab_size` others.
    """
    from tokenizers import AddedToken
    from transformers import PreTrainedTokenizerFast

    tokenizer = byte_level_bpe(texts, vocab_size, [PAD, USER, ASSISTANT, END])
    tokenizer.add_tokens([AddedToken(slot, normalized=False) for slot in slots])
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, padding_side="left")
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def train_masked_tokenizer(texts: Iterable[str], vocab_size: int) -> "PreTrainedTokenizerBase":
    """Train a byte-level BPE tokenizer that frames a text as BERT's does: `[CLS] text [SEP]`."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    tokenizer = byte_level_bpe(texts, vocab_size, list(MASKED_SPECIAL.values()))
    framing = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", framing)
    names = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=names, **MASKED_SPECIAL)
