"""Prompts -> texts, by the decoding that params ask for; evaluation and serving write with it."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.records import Example, UserError
from ecom_llm.skills.slots import Slotting
from ecom_llm.write.candidates import RANKERS, Candidate, by_asked, faults
from ecom_llm.write.choosing import Choice, new_sampler
from ecom_llm.write.continuing import Continuation, continuations
from ecom_llm.write.copies import Copies
from ecom_llm.write.decoding import Decoding
from ecom_llm.write.encode import Encoded, encode, shown_text, slotting_of
from ecom_llm.write.hearing import heard
from ecom_llm.write.reach import longest_input
from ecom_llm.write.reranking import ranked
from ecom_llm.write.slot_rule import OwnSlots

DRAWN_ALONE = ("consensus", "asked")
"""Rankers that leave the likeliest text out: it is the same for many prompts, and would often be taken."""


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
    tokenizer: PreTrainedTokenizerBase,
    written: Continuation,
    example: Example,
    slotting: Slotting | None,
    copies: Copies | None,
) -> Candidate:
    """What was written, as it may be ranked and shown; that it copies a text of training is one fault more."""
    text = decode(tokenizer, written.tokens)
    shown = shown_text(text, example, slotting)
    return Candidate(
        text=shown,
        written=text,
        faults=faults(text, example, slotting) + bool(copies and copies.holds(shown)),
        mean_log_probability=written.log_probability / written.scored,
    )


def choice_for(
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    device: torch.device,
    sampled: bool,
    ends: Sequence[int],
) -> Choice:
    """How the tokens of these texts are chosen."""
    slots = None
    if slotting_of(tokenizer):
        slots = OwnSlots(tokenizer, examples, device, ends, decoding.facts_within, decoding.owed_bias)
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
    copies: Copies | None = None,
) -> list[Candidate]:
    """One text for each example, in their order: the likeliest word by word, or drawn."""
    if not examples:
        return []
    prompts = [one.prompt for one in encoded]
    ends = end_tokens(tokenizer, encoded[0].completion)
    found = continuations(
        model,
        prompts,
        choice_for(tokenizer, examples, prompts, decoding, model.device, sampled, ends),
        limits=limits(model, prompts, decoding.max_new_tokens),
        ends=ends,
        pad_token_id=tokenizer.pad_token_id,
        batch_size=decoding.per_device_eval_batch_size,
        scored=decoding.decoding == "best_of_n",
    )
    slotting = slotting_of(tokenizer)
    return [candidate(tokenizer, one, example, slotting, copies) for one, example in zip(found, examples, strict=True)]


def in_order(candidates: Sequence[Candidate], decoding: Decoding) -> list[Candidate]:
    """The candidates of an example, best first by `decoding.ranker`."""
    if decoding.ranker == "consensus":
        return ranked(candidates, decoding.likelihood_weight, decoding.consensus_beta)
    if decoding.ranker == "asked":
        return sorted(candidates, key=by_asked(decoding.likelihood_weight))
    return sorted(candidates, key=RANKERS[decoding.ranker])


def drawn_candidates(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    decoding: Decoding,
    copies: Copies | None = None,
) -> list[list[Candidate]]:
    """`num_return_sequences` drawn texts for each example."""
    times = range(decoding.num_return_sequences)
    asked = [example for example in examples for _ in times]
    prompts = [one for one in encoded for _ in times]
    found = iter(one_each(model, tokenizer, asked, prompts, decoding, sampled=True, copies=copies))
    return [[next(found) for _ in times] for _ in examples]


def candidates_of(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    decoding: Decoding,
    copies: Copies | None = None,
) -> list[list[Candidate]]:
    """The texts among which `best_of_n` chooses, for each example: the likeliest and drawn ones; see `written_texts`."""
    if decoding.ranker in DRAWN_ALONE:
        drawn = drawn_candidates(model, tokenizer, examples, encoded, decoding, copies)
        size = decoding.per_device_eval_batch_size
        return heard(model, tokenizer, examples, drawn, size) if decoding.ranker == "asked" else drawn
    likeliest = one_each(model, tokenizer, examples, encoded, decoding, sampled=False, copies=copies)
    found = [[one] for one in likeliest]
    open_ones = [place for place, (one,) in enumerate(found) if decoding.ranker != "facts" or one.faults]
    waiting, prompts = ([some[one] for one in open_ones] for some in (examples, encoded))
    drawn = drawn_candidates(model, tokenizer, waiting, prompts, decoding, copies)
    for place, others in zip(open_ones, drawn, strict=True):
        found[place] += others
    return found


def written_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    decoding: Decoding,
    encoded: Sequence[Encoded] | None = None,
    copies: Copies | None = None,
) -> list[list[str]]:
    """The distinct texts that the model writes for each example, best first, in the examples' order; their targets are not read.

    `best_of_n` orders, by `ranker`, the likeliest text and `num_return_sequences` drawn ones. By `facts`, a likeliest text
    without a fault is taken as it is, and nothing is drawn for it; by `consensus` and `asked`, the drawn ones are all there are.
    Every other decoding gives one text.
    Equal input gives equal texts, sampled ones too; another `batch_size` may flip a near tie, since padding changes how
    floating-point sums round.

    Args:
        encoded: the examples as `encode` gives them, where that was done before.
        copies: what the texts of training hold; `best_of_n` takes a text that copies them after all that do not.

    Raises:
        UserError: a prompt fills all the positions the model has.
    """
    encoded = encode(examples, tokenizer) if encoded is None else encoded
    if decoding.decoding != "best_of_n":
        taken = one_each(model, tokenizer, examples, encoded, decoding, sampled=decoding.decoding == "sampling")
        return [[found.text] for found in taken]
    found = candidates_of(model, tokenizer, examples, encoded, decoding, copies)
    return [list(dict.fromkeys(one.text for one in in_order(candidates, decoding))) for candidates in found]


def generate_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    decoding: Decoding,
    encoded: Sequence[Encoded] | None = None,
    copies: Copies | None = None,
) -> list[str]:
    """The best text for each example; see `written_texts`."""
    return [best[0] for best in written_texts(model, tokenizer, examples, decoding, encoded, copies)]
