"""Prompts -> texts: greedy and batched; evaluation and serving write with it."""

from collections.abc import Sequence

import torch
from tqdm import tqdm
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.evaluate.loading import longest_input
from ecom_llm.evaluate.padding import batches, pad
from ecom_llm.records import Example, UserError
from ecom_llm.train.encode import Encoded, encode


def end_tokens(tokenizer: PreTrainedTokenizerBase, completion: Sequence[int]) -> list[int]:
    """The tokens that end a text: the tokenizer's own, and the special token with which its chat template closes a turn.

    `completion` is any completion the template wrote. Hub models often close a turn with a token of its own
    (`<|im_end|>`) and keep `eos_token` for the end of a document.
    """
    special = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    closing = [token for token in completion if token in special][-1:]
    return sorted({tokenizer.eos_token_id, *closing})


@torch.inference_mode()
def continue_batch(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, encoded: Sequence[Encoded], max_new_tokens: int
) -> list[str]:
    """Greedy texts after the prompts of one batch."""
    ids, mask = pad([example.prompt for example in encoded], tokenizer.pad_token_id, "left", model.device)
    room = (longest_input(model) or ids.shape[1] + max_new_tokens) - ids.shape[1]
    if room < 1:
        raise UserError(f"a prompt of {ids.shape[1]} tokens leaves the model no room to write; shorten its attributes.")
    ends = end_tokens(tokenizer, encoded[0].completion)
    config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        use_cache=True,
        max_new_tokens=min(max_new_tokens, room),
        eos_token_id=ends,
        pad_token_id=tokenizer.pad_token_id,
    )
    written = model.generate(input_ids=ids, attention_mask=mask, generation_config=config)[:, ids.shape[1] :].tolist()
    return [decode(tokenizer, row, ends) for row in written]


def decode(tokenizer: PreTrainedTokenizerBase, tokens: list[int], ends: list[int]) -> str:
    """The text before the first end token, without special tokens."""
    stop = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return tokenizer.decode(tokens[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()


def generate_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    max_new_tokens: int,
    batch_size: int,
) -> list[str]:
    """What the model writes for each example, in the examples' order; their targets are not read.

    Greedy decoding with a KV cache, at most `max_new_tokens` tokens a text. Equal input gives equal texts; another
    `batch_size` may flip a near tie, since padding changes how floating-point sums round.

    Raises:
        UserError: a prompt fills all the positions the model has.
    """
    encoded = encode(examples, tokenizer)
    texts = [""] * len(encoded)
    groups = batches([len(example.prompt) for example in encoded], batch_size)
    for group in tqdm(groups, desc="writing", unit="batch", disable=None, leave=False):
        written = continue_batch(model, tokenizer, [encoded[index] for index in group], max_new_tokens)
        for index, text in zip(group, written, strict=True):
            texts[index] = text
    return texts
