"""Prompts -> texts, by the decoding that params ask for; evaluation and serving write with it."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.evaluate.candidates import RANKERS, Candidate, faults
from ecom_llm.evaluate.choosing import Choice, new_sampler
from ecom_llm.evaluate.continuing import Continuation, continuations
from ecom_llm.evaluate.decoding import Decoding
from ecom_llm.evaluate.reranking import ranked
from ecom_llm.evaluate.slot_rule import OwnSlots
from ecom_llm.records import Example, UserError
from ecom_llm.skills.slots import Slotting
from ecom_llm.train.encode import Encoded, encode, shown_text, slotting_of
from ecom_llm.train.reach import longest_input


def end_tokens(tokenizer: PreTrainedTokenizerBase, completion: Sequence[int]) -> list[int]:
    """The tokens that end a text: the tokenizer's own, and the special token with which its chat template closes a turn.

    `completion` is any completion the template wrote. Hub models often close a turn with a token of its own
    (`<|im_end|>`) and keep `eos_token` for the end of a document.
    """
    special = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    closing = [token for token in completion if token in special][-1:]
    return sorted({tokenizer.eos_token_id, *closing})


def limits(model: PreTrainedModel, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> list[int]:
    """The most tokens that may follow each prompt.

    Raises:
        UserError: a prompt fills all the positions the model has.
    """
    longest, reach = max(map(len, prompts)), longest_input(model)
    if reach is not None and longest >= reach:
        raise UserError(f"a prompt of {longest} tokens leaves the model no room to write; shorten its attributes.")
    return [min(max_new_tokens, reach - len(prompt)) if reach else max_new_tokens for prompt in prompts]


def decode(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """The text of tokens, without special ones."""
    return tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False).strip()


def candidate(
    tokenizer: PreTrainedTokenizerBase, written: Continuation, example: Example, slotting: Slotting | None
) -> Candidate:
    """What was written, as it may be ranked and shown."""
    text = decode(tokenizer, written.tokens)
    return Candidate(
        text=shown_text(text, example, slotting),
        written=text,
        faults=faults(text, example, slotting),
        mean_log_probability=written.log_probability / written.scored,
    )


def choice_for(
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    device: torch.device,
    sampled: bool,
) -> Choice:
    """How the tokens of these texts are chosen."""
    slots = OwnSlots(tokenizer, examples, device) if slotting_of(tokenizer) else None
    if not sampled:
        return Choice(slots=slots)
    sampler = new_sampler(
        prompts,
        temperature=decoding.temperature,
        top_k=decoding.top_k,
        top_p=decoding.top_p,
        seed=decoding.seed,
        tokens=decoding.max_new_tokens,
        device=device,
    )
    return Choice(sampler, slots)


def one_each(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    decoding: Decoding,
    sampled: bool,
) -> list[Candidate]:
    """One text for each example, in their order: the likeliest word by word, or drawn."""
    if not examples:
        return []
    prompts = [one.prompt for one in encoded]
    found = continuations(
        model,
        prompts,
        choice_for(tokenizer, examples, prompts, decoding, model.device, sampled),
        limits=limits(model, prompts, decoding.max_new_tokens),
        ends=end_tokens(tokenizer, encoded[0].completion),
        pad_token_id=tokenizer.pad_token_id,
        batch_size=decoding.per_device_eval_batch_size,
        scored=decoding.decoding == "best_of_n",
    )
    slotting = slotting_of(tokenizer)
    return [candidate(tokenizer, one, example, slotting) for one, example in zip(found, examples, strict=True)]


def in_order(candidates: Sequence[Candidate], decoding: Decoding) -> list[Candidate]:
    """The candidates of an example, best first by `decoding.ranker`."""
    if decoding.ranker == "consensus":
        return ranked(candidates, decoding.likelihood_weight, decoding.consensus_beta)
    return sorted(candidates, key=RANKERS[decoding.ranker])


def drawn_candidates(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    decoding: Decoding,
) -> list[list[Candidate]]:
    """`num_return_sequences` drawn texts for each example."""
    copies = range(decoding.num_return_sequences)
    asked = [example for example in examples for _ in copies]
    found = iter(one_each(model, tokenizer, asked, [one for one in encoded for _ in copies], decoding, sampled=True))
    return [[next(found) for _ in copies] for _ in examples]


def candidates_of(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    decoding: Decoding,
) -> list[list[Candidate]]:
    """The texts among which `best_of_n` chooses, for each example: the likeliest and drawn ones; see `written_texts`."""
    if decoding.ranker == "consensus":
        return drawn_candidates(model, tokenizer, examples, encoded, decoding)
    found = [[one] for one in one_each(model, tokenizer, examples, encoded, decoding, sampled=False)]
    open_ones = [place for place, (one,) in enumerate(found) if decoding.ranker != "facts" or one.faults]
    drawn = drawn_candidates(
        model, tokenizer, [examples[one] for one in open_ones], [encoded[one] for one in open_ones], decoding
    )
    for place, others in zip(open_ones, drawn, strict=True):
        found[place] += others
    return found


def written_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    decoding: Decoding,
    encoded: Sequence[Encoded] | None = None,
) -> list[list[str]]:
    """The distinct texts that the model writes for each example, best first, in the examples' order; their targets are not read.

    `best_of_n` orders, by `ranker`, the likeliest text and `num_return_sequences` drawn ones. By `facts`, a likeliest text
    without a fault is taken as it is, and nothing is drawn for it; by `consensus`, the drawn ones are all there are.
    Every other decoding gives one text.
    Equal input gives equal texts, sampled ones too; another `batch_size` may flip a near tie, since padding changes how
    floating-point sums round.

    Args:
        encoded: the examples as `encode` gives them, where that was done before.

    Raises:
        UserError: a prompt fills all the positions the model has.
    """
    encoded = encode(examples, tokenizer) if encoded is None else encoded
    if decoding.decoding != "best_of_n":
        taken = one_each(model, tokenizer, examples, encoded, decoding, sampled=decoding.decoding == "sampling")
        return [[found.text] for found in taken]
    found = candidates_of(model, tokenizer, examples, encoded, decoding)
    return [list(dict.fromkeys(one.text for one in in_order(candidates, decoding))) for candidates in found]


def generate_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    decoding: Decoding,
    encoded: Sequence[Encoded] | None = None,
) -> list[str]:
    """The best text for each example; see `written_texts`."""
    return [best[0] for best in written_texts(model, tokenizer, examples, decoding, encoded)]
