"""Sampling: drawn as the model says, each slot once, the same again; and its likelihoods are those of scoring."""

from collections import Counter

import pytest
import torch

from ecom_llm.evaluate.decoding import Decoding
from ecom_llm.evaluate.generation import end_tokens
from ecom_llm.evaluate.likelihood import score
from ecom_llm.evaluate.sampling import Once, best_texts, once_of, sample_batch, written_texts
from ecom_llm.train.encode import Encoded, encode


def decoding(**values: object) -> Decoding:
    base = {
        "max_new_tokens": 6,
        "per_device_eval_batch_size": 8,
        "num_return_sequences": 4,
        "temperature": 0.7,
        "seed": 1,
    }
    return Decoding(**(base | {"rerank": "consensus", "likelihood_weight": 0.1} | values))


def drawn(model, tokenizer, examples, once, **values):
    encoded = encode(examples, tokenizer)
    torch.manual_seed(3)
    ends = end_tokens(tokenizer, encoded[0].completion)
    return sample_batch(model, tokenizer, [one.prompt for one in encoded], once, ends, decoding(**values)), encoded


def test_likelihoods_are_those_of_scoring(model, tokenizer, described):
    examples = described[:5]
    found, encoded = drawn(model, tokenizer, examples, once_of(tokenizer, examples), max_new_tokens=300)
    ended = [
        (Encoded(one.prompt, [*tokens, tokenizer.eos_token_id]), nats)
        for one, rows in zip(encoded, found, strict=True)
        for tokens, nats in rows
        if len(tokens) < 300
    ]
    assert len(ended) > 5 and len({len(one.completion) for one, _ in ended}) > 3
    expected = score(model, [one for one, _ in ended], tokenizer.pad_token_id, 4)
    assert [nats for _, nats in ended] == pytest.approx([one.nats for one in expected], abs=1e-3)


def test_tokens_are_drawn_as_often_as_the_model_says(model, tokenizer, described):
    examples = described[:1]
    count = 4000
    found, encoded = drawn(
        model,
        tokenizer,
        examples,
        once_of(tokenizer, examples),
        num_return_sequences=count,
        max_new_tokens=1,
        temperature=0.5,
    )
    with torch.inference_mode():
        logits = model(torch.tensor([encoded[0].prompt])).logits[0, -1]
    expected = (logits / 0.5).softmax(dim=-1)
    seen = Counter(tokens[0] for tokens, _ in found[0] if tokens)
    for token in expected.topk(5).indices.tolist():
        share = expected[token].item()
        if token != tokenizer.eos_token_id:
            assert seen[token] / count == pytest.approx(share, abs=4 * (share / count) ** 0.5 + 1e-9)


def test_each_token_of_a_kind_is_written_once_and_closed_ones_never(model, tokenizer, described):
    ids = torch.arange(len(tokenizer))
    closed = torch.zeros(2, len(ids), dtype=torch.bool)
    closed[1, 100:] = True
    closed[:, tokenizer.eos_token_id] = True
    found, _ = drawn(model, tokenizer, described[:2], Once(ids, closed), max_new_tokens=12, temperature=2.0)
    assert all(len(set(tokens)) == len(tokens) == 12 for rows in found for tokens, _ in rows)
    assert max(token for tokens, _ in found[1] for token in tokens) < 100 <= max(max(tokens) for tokens, _ in found[0])


def test_the_best_come_first_are_distinct_and_are_the_same_again(model, tokenizer, described):
    blind = [one.model_copy(update={"target": "?"}) for one in described[:5]]
    found = best_texts(model, tokenizer, described[:5], decoding())
    assert found == written_texts(model, tokenizer, blind, decoding())
    assert all(1 <= len(texts) == len(set(texts)) <= 4 for texts in found)
    assert found != best_texts(model, tokenizer, described[:5], decoding(seed=2))


def test_without_rerank_there_is_one_text(model, tokenizer, described):
    assert [len(texts) for texts in written_texts(model, tokenizer, described[:3], decoding(rerank="none"))] == [1] * 3
    assert best_texts(model, tokenizer, [], decoding()) == []
