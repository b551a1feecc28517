"""Perplexity and bits per byte are properties of the model and the text, not of how they were batched."""

from math import exp, log

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from ecom_llm.records import UserError
from ecom_llm.write.encode import encode
from ecom_llm.write.likelihood import Likelihood, score


def perplexity(scores: list[Likelihood]) -> float:
    return exp(sum(one.nats for one in scores) / sum(one.tokens for one in scores))


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def scored(request, model, tokenizer):
    """Llama's rotary positions are relative and forgive an offset; GPT-2's learned ones do not."""
    if request.param == "llama":
        return model
    torch.manual_seed(7)
    size = {"vocab_size": len(tokenizer), "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 512}
    return GPT2LMHeadModel(GPT2Config(**size, initializer_range=0.15, bos_token_id=None, eos_token_id=3)).eval()


@pytest.fixture(scope="module")
def one_by_one(scored, tokenizer, described) -> list[float]:
    """Nats by the definition: no batch, no padding, no position ids, one token after the other."""
    found = []
    for encoded in encode(described, tokenizer):
        with torch.inference_mode():
            logits = scored(torch.tensor([encoded.prompt + encoded.completion])).logits[0].double().log_softmax(-1)
        start = len(encoded.prompt) - 1
        found.append(-sum(logits[start + i, token].item() for i, token in enumerate(encoded.completion)))
    return found


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_neither_batch_size_nor_padding_side_changes_it(scored, tokenizer, described, one_by_one, batch_size, side):
    encoded = encode(described, tokenizer)
    scores = score(scored, encoded, tokenizer.pad_token_id, batch_size, side)
    assert [one.nats for one in scores] == pytest.approx(one_by_one, abs=1e-3)
    tokens = [one.tokens for one in scores]
    assert tokens == [len(example.completion) for example in encoded]
    assert perplexity(scores) == pytest.approx(exp(sum(one_by_one) / sum(tokens)), abs=1e-4)


def test_the_end_token_counts(model, tokenizer, described):
    encoded = encode(described[:1], tokenizer)
    assert encoded[0].completion[-1] == tokenizer.eos_token_id
    assert score(model, encoded, tokenizer.pad_token_id, 1)[0].tokens == len(encoded[0].completion)


def test_bits_are_nats_in_base_two():
    assert Likelihood(nats=log(8), tokens=1).bits == pytest.approx(3)


def test_a_diverged_model_is_named_as_such(model, tokenizer, described):
    broken = type(model)(model.config).eval()
    broken.lm_head.weight.data.fill_(float("nan"))
    with pytest.raises(UserError, match="diverged"):
        score(broken, encode(described[:2], tokenizer), tokenizer.pad_token_id, 2)
