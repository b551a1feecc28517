"""Greedy generation: the same texts as one token at a time, in the examples' order, ended by the end token."""

import torch

from ecom_llm.evaluate.decoding import Decoding
from ecom_llm.evaluate.generation import decode, end_tokens, generate_texts
from ecom_llm.train.encode import encode


def decoding(max_new_tokens: int, batch_size: int) -> Decoding:
    return Decoding(
        max_new_tokens=max_new_tokens,
        per_device_eval_batch_size=batch_size,
        num_return_sequences=2,
        temperature=0.7,
        seed=1,
    )


def naive(model, tokenizer, example, most: int) -> str:
    """Greedy by the definition: the whole prompt again for every token, no cache, no padding."""
    encoded = encode([example], tokenizer)[0]
    ids = list(encoded.prompt)
    with torch.inference_mode():
        for _ in range(most):
            ids.append(model(torch.tensor([ids])).logits[0, -1].argmax().item())
            if ids[-1] == tokenizer.eos_token_id:
                break
    return decode(tokenizer, ids[len(encoded.prompt) :], [tokenizer.eos_token_id])


def test_batched_is_what_one_token_at_a_time_gives(model, tokenizer, described):
    texts = generate_texts(model, tokenizer, described[:9], decoding(12, 4))
    assert texts == [naive(model, tokenizer, example, 12) for example in described[:9]]
    assert len(set(texts)) > 1


def test_it_is_deterministic_and_reads_no_target(model, tokenizer, described):
    blind = [example.model_copy(update={"target": "?"}) for example in described[:5]]
    first = generate_texts(model, tokenizer, described[:5], decoding(8, 5))
    assert generate_texts(model, tokenizer, blind, decoding(8, 5)) == first


def test_settings_of_a_checkpoint_do_not_apply(model, tokenizer, described):
    first = generate_texts(model, tokenizer, described[:3], decoding(8, 3))
    kept = model.generation_config.eos_token_id
    model.generation_config.eos_token_id = 99999
    try:
        assert generate_texts(model, tokenizer, described[:3], decoding(8, 3)) == first
    finally:
        model.generation_config.eos_token_id = kept


def test_the_text_ends_before_the_end_token_and_has_no_special_ones(tokenizer):
    ids = tokenizer("red dress<|end|>more", add_special_tokens=False)["input_ids"]
    assert decode(tokenizer, ids, [tokenizer.eos_token_id]) == "red dress"
    ids = tokenizer("<|user|> red , dress . ", add_special_tokens=False)["input_ids"]
    assert decode(tokenizer, ids, [tokenizer.eos_token_id]) == "red , dress ."


def test_a_template_that_closes_turns_with_its_own_token_ends_there_too(tokenizer):
    turn = tokenizer.convert_tokens_to_ids("<|assistant|>")
    assert end_tokens(tokenizer, [70, 71, turn, 72]) == sorted([turn, tokenizer.eos_token_id])
    assert end_tokens(tokenizer, [70]) == [tokenizer.eos_token_id]


def test_nothing_to_write_is_no_error(model, tokenizer):
    assert generate_texts(model, tokenizer, [], decoding(8, 4)) == []
