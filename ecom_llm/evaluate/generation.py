"""Prompts -> texts: greedy and batched; evaluation and serving write with it."""

from collections.abc import Sequence

import torch
from tqdm import tqdm
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from ecom_llm.evaluate.decoding import Decoding
from ecom_llm.evaluate.padding import batches, pad
from ecom_llm.evaluate.reranking import unstated
from ecom_llm.records import Example, UserError
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import SLOT, slots_of
from ecom_llm.train.encode import encode, shown_text, uses_slots, writing_of
from ecom_llm.train.reach import longest_input


def end_tokens(tokenizer: PreTrainedTokenizerBase, completion: Sequence[int]) -> list[int]:
    """The tokens that end a text: the tokenizer's own, and the special token with which its chat template closes a turn.

    `completion` is any completion the template wrote. Hub models often close a turn with a token of its own
    (`<|im_end|>`) and keep `eos_token` for the end of a document.
    """
    special = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    closing = [token for token in completion if token in special][-1:]
    return sorted({tokenizer.eos_token_id, *closing})


class OwnSlots(LogitsProcessor):
    """Lets a model with slots write each slot of its example once, and no other: what is not known cannot be stated."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], prompt_length: int) -> None:
        slots = {SLOT.fullmatch(token): place for token, place in tokenizer.get_added_vocab().items()}
        names = {match.group(1): place for match, place in slots.items() if match}
        own = [slots_of(SKILLS[example.skill].slots(example)) for example in examples]
        self.start = prompt_length
        self.ids = torch.tensor(list(names.values()), dtype=torch.long)
        self.closed = torch.tensor([[name not in one for name in names] for one in own], dtype=torch.bool)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        ids = self.ids.to(scores.device)
        used = (input_ids[:, self.start :, None] == ids).any(dim=1)
        scores[:, ids] = scores[:, ids].masked_fill(used | self.closed.to(scores.device), float("-inf"))
        return scores


@torch.inference_mode()
def continue_batch(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    decoding: Decoding,
    sampled: bool,
) -> list[str]:
    """Texts after the prompts of one batch, slots unfilled: the likeliest word by word, or sampled."""
    encoded = encode(examples, tokenizer)
    ids, mask = pad([example.prompt for example in encoded], tokenizer.pad_token_id, "left", model.device)
    room = (longest_input(model) or ids.shape[1] + decoding.max_new_tokens) - ids.shape[1]
    if room < 1:
        raise UserError(f"a prompt of {ids.shape[1]} tokens leaves the model no room to write; shorten its attributes.")
    ends = end_tokens(tokenizer, encoded[0].completion)
    config = GenerationConfig(
        do_sample=sampled,
        temperature=decoding.temperature if sampled else None,
        top_k=0 if sampled else None,
        num_beams=1,
        use_cache=True,
        max_new_tokens=min(decoding.max_new_tokens, room),
        eos_token_id=ends,
        pad_token_id=tokenizer.pad_token_id,
    )
    rules = LogitsProcessorList([OwnSlots(tokenizer, examples, ids.shape[1])] if uses_slots(tokenizer) else [])
    whole = model.generate(input_ids=ids, attention_mask=mask, generation_config=config, logits_processor=rules)
    written = whole[:, ids.shape[1] :].tolist()
    return [decode(tokenizer, row, ends) for row in written]


def decode(tokenizer: PreTrainedTokenizerBase, tokens: list[int], ends: list[int]) -> str:
    """The text before the first end token, without special tokens."""
    stop = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return tokenizer.decode(tokens[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()


def generate_texts(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], decoding: Decoding
) -> list[str]:
    """What the model writes for each example, in the examples' order; their targets are not read.

    The likeliest word by word, with a KV cache. A model with slots knows when it leaves out a fact it owes: then it writes
    `num_return_sequences` more, sampled, and the first of the fullest is taken. Equal input gives equal texts; another
    `batch_size` may flip a near tie, since padding changes how floating-point sums round.

    Raises:
        UserError: a prompt fills all the positions the model has.
    """
    torch.manual_seed(decoding.seed)
    lengths = [len(example.prompt) for example in encode(examples, tokenizer)]
    texts = [""] * len(examples)
    groups = batches(lengths, decoding.per_device_eval_batch_size)
    for group in tqdm(groups, desc="writing", unit="batch", disable=None, leave=False):
        asked = [examples[index] for index in group]
        for index, text in zip(group, continue_batch(model, tokenizer, asked, decoding, sampled=False), strict=True):
            texts[index] = text
    writing = writing_of(tokenizer)
    lacking = [index for index, text in enumerate(texts) if writing and unstated(text, examples[index], writing)]
    again = [index for index in lacking for _ in range(decoding.num_return_sequences)]
    for start in tqdm(
        range(0, len(again), 4 * decoding.per_device_eval_batch_size), desc="again", disable=None, leave=False
    ):
        group = again[start : start + 4 * decoding.per_device_eval_batch_size]
        asked = [examples[index] for index in group]
        for index, text in zip(group, continue_batch(model, tokenizer, asked, decoding, sampled=True), strict=True):
            texts[index] = min(texts[index], text, key=lambda one, index=index: unstated(one, examples[index], writing))
    return [shown_text(text, example, tokenizer) for text, example in zip(texts, examples, strict=True)]
