"""Data that would train to nothing is refused, and measuring a training's cost changes not one bit of it."""

import gc
import random
import time
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, set_seed

from ecom_llm.records import Example, UserError
from ecom_llm.train import preflight
from ecom_llm.train.preflight import check_survey, cost, measure, reading, survey, undisturbed
from ecom_llm.train.tokenizer import CHAT_TEMPLATE, END, train_tokenizer
from ecom_llm.write.encode import Encoded, encode

ENTRIES = 267  # 256 bytes, four special tokens and the merges of one sentence


def new_tokenizer(template: str = CHAT_TEMPLATE, **special: str):
    tokenizer = train_tokenizer(["A red dress."], 300)
    tokenizer.chat_template = template
    tokenizer.add_special_tokens(special)
    return tokenizer


def new_model(**changes: object) -> PreTrainedModel:
    set_seed(1)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    end = {"bos_token_id": None, "eos_token_id": 3, "pad_token_id": 0, "attention_dropout": 0.1}
    return LlamaForCausalLM(LlamaConfig(**{"vocab_size": 280, "max_position_embeddings": 64} | sizes | end | changes))


def examples(*targets: str) -> list[Example]:
    facts = {"skill": "describe", "locale": "en", "product": "1", "group": "1", "source": "t:1"}
    return [
        Example(id=f"describe:en:{number}", attributes={"colour": "red"}, target=target, **facts)
        for number, target in enumerate(targets)
    ]


def check(tokenizer, *targets: str, model: PreTrainedModel | None = None, max_length: int = 64, allowed: float = 0.0):
    read = reading(tokenizer, model or new_model())
    given_examples = examples(*targets)
    seen = survey(
        zip([one.id for one in given_examples], encode(given_examples, tokenizer), strict=True), read, max_length
    )
    check_survey(seen, read, "train", max_length, allowed)
    return seen


def refusal(*arguments: object, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        check(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sound_examples_pass_and_are_counted():
    tokenizer = new_tokenizer()
    seen = check(tokenizer, "A red dress.", "A dress.")
    encoded = encode(examples("A red dress.", "A dress."), tokenizer)
    assert (seen.examples, seen.left_out.count) == (2, 0)
    assert seen.prompt_tokens == sum(len(one.prompt) for one in encoded)
    assert seen.completion_tokens == sum(len(one.completion) for one in encoded)


@pytest.mark.parametrize("nothing", ["", " \n", END, f" {END} <|pad|>"])
def test_a_completion_without_a_word_is_refused(nothing):
    message = refusal(new_tokenizer(), "A dress.", nothing, nothing)
    assert "2 of 3 train examples (66.7%) have nothing to learn" in message
    assert message.endswith("The first is describe:en:1.")


def test_what_a_template_writes_around_every_answer_is_no_answer():
    """Qwen3's chat template puts an empty thought in front of each answer, in tokens that are not special."""
    thinking = CHAT_TEMPLATE.replace("<|assistant|>{{ message", "<|assistant|>(thought){{ message")
    assert "1 of 2 train examples (50.0%) have nothing to learn" in refusal(new_tokenizer(thinking), "A dress.", "")


def test_a_template_that_never_ends_a_text_is_refused():
    message = refusal(new_tokenizer(CHAT_TEMPLATE.replace(END, "")), "A red dress.", "A dress.")
    assert "2 of 2 train examples (100.0%) do not end with an end-of-text (<|end|>)" in message


def test_a_template_that_sometimes_ends_a_text_is_refused():
    now_and_then = CHAT_TEMPLATE.replace(END, "{% if 'red' in message['content'] %}<|end|>{% endif %}")
    message = refusal(new_tokenizer(now_and_then), "A red dress.", "A dress.")
    assert "1 of 2 train examples (50.0%) do not end" in message
    assert message.endswith("describe:en:1.")


def test_white_space_behind_the_end_is_fine_and_words_are_not():
    check(new_tokenizer(CHAT_TEMPLATE.replace(END, END + "\n")), "A red dress.")
    assert "do not end" in refusal(new_tokenizer(CHAT_TEMPLATE.replace(END, END + "!")), "A red dress.")


def test_the_end_may_be_the_models_own():
    """As Gemma's: its turns end with a token that its generation config names and its tokenizer does not."""
    tokenizer = new_tokenizer(CHAT_TEMPLATE.replace(END, "<|user|>"))
    assert "do not end" in refusal(tokenizer, "A red dress.")
    model = new_model()
    model.generation_config.eos_token_id = [3, tokenizer.convert_tokens_to_ids("<|user|>")]
    check(tokenizer, "A red dress.", model=model)


def test_a_beginning_written_twice_is_refused():
    once = new_tokenizer("{{ bos_token }}" + CHAT_TEMPLATE, bos_token="<|begin|>")
    check(once, "A red dress.")
    twice = new_tokenizer("{{ bos_token }}{{ bos_token }}" + CHAT_TEMPLATE, bos_token="<|begin|>")
    assert "1 of 1 train examples (100.0%) begin with <|begin|> twice" in refusal(twice, "A red dress.")


def test_ids_without_embedding_are_refused():
    assert "with 260 embeddings, does not know" in refusal(
        new_tokenizer(), "A red dress.", model=new_model(vocab_size=260)
    )


def test_too_many_examples_left_out_are_refused():
    texts = ("A dress.", "A dress.", "A red dress, " * 9, "A dress.")
    message = refusal(new_tokenizer(), *texts, max_length=50, allowed=0.2)
    assert "1 of 4 train examples (25.0%) are longer than train.max_length 50" in message
    assert "describe:en:2" in message
    assert check(new_tokenizer(), *texts, max_length=50, allowed=0.25).left_out.count == 1


TOKENIZER = new_tokenizer()
assert len(TOKENIZER) == ENTRIES
READ = reading(TOKENIZER, new_model())
TOKENS = st.lists(st.integers(0, ENTRIES - 1), max_size=6)


@given(TOKENS)
def test_empty_and_ended_agree_with_the_decoded_text(completion):
    said = TOKENIZER.decode(completion, skip_special_tokens=True)
    assert READ.empty(completion) == (not said.strip())
    after = completion[len(completion) - completion[::-1].index(3) :] if 3 in completion else None
    ended = after is not None and not TOKENIZER.decode(after, skip_special_tokens=True).strip()
    assert READ.ended(completion) == ended


@given(st.lists(st.tuples(st.text(max_size=3), st.builds(Encoded, TOKENS, TOKENS))), st.integers(0, 12))
def test_nothing_is_lost_between_kept_and_left_out(pairs, max_length):
    seen = survey(pairs, READ, max_length)
    kept = [one for _, one in pairs if len(one) <= max_length]
    assert seen.examples - seen.left_out.count == len(kept)
    assert seen.prompt_tokens + seen.completion_tokens == sum(map(len, kept))


def batch(examples: int, length: int) -> dict[str, torch.Tensor]:
    ids = torch.arange(examples * length).reshape(examples, length) % ENTRIES
    return {"input_ids": ids, "labels": ids}


def trained(measured: bool) -> tuple[list[torch.Tensor], list[object]]:
    """Three steps with dropout, with or without a measurement before; the weights and what the generators say then."""
    model = new_model()

    def loss_of(one):
        random.random()
        np.random.random()
        return model(**one).loss

    if measured:
        measure(model, [batch(4, 9), batch(2, 30)], loss_of)
    optimizer = torch.optim.AdamW(model.parameters())
    for _ in range(3):
        loss_of(batch(4, 9)).backward()
        optimizer.step()
        optimizer.zero_grad()
    drawn = [random.random(), float(np.random.random()), float(torch.rand(()))]
    return [parameter.detach() for parameter in model.parameters()], drawn


def test_a_measured_training_is_bit_for_bit_that_without():
    (weights, drawn), (expected, expected_drawn) = trained(measured=True), trained(measured=False)
    assert drawn == expected_drawn
    assert all(map(torch.equal, weights, expected))


def test_a_measurement_leaves_gradients_buffers_and_mode_even_when_it_fails():
    model = new_model().eval()
    model.register_buffer("seen", torch.zeros(1))
    first = next(model.parameters())
    first.grad = torch.ones_like(first)
    with pytest.raises(ZeroDivisionError), undisturbed(model):
        model.train()
        model.seen += 1
        model(**batch(2, 5)).loss.backward()
        raise ZeroDivisionError
    assert not model.training
    assert model.seen == 0
    assert torch.equal(first.grad, torch.ones_like(first))
    assert all(parameter.grad is None for parameter in list(model.parameters())[1:])


def test_time_is_that_of_the_mean_batch(monkeypatch):
    """Batches of 1 to 60 tokens, a second each: the three that are timed stand for the mean, 30.5."""
    now, model = [0.0], new_model()
    monkeypatch.setattr(preflight, "clock", lambda: now[0])
    monkeypatch.setattr(preflight, "MEASURED_SECONDS", 1000.0)

    def loss_of(one):
        now[0] += one["input_ids"].numel()
        return next(model.parameters()).sum()

    passes = measure(model, [batch(1, length) for length in range(60, 0, -1)], loss_of)
    assert passes.seconds == pytest.approx(30.5, abs=0.6)
    monkeypatch.setattr(preflight, "MEASURED_SECONDS", 1.0)
    assert (
        measure(model, [batch(1, length) for length in range(60, 0, -1)], loss_of).seconds == 31
    )  # the middle one alone


def test_memory_is_weights_gradients_moments_and_what_the_largest_batch_keeps():
    model = new_model()

    def loss_of(one):
        return model(**one).loss

    small, large = (measure(model, [batch(1, 4), batch(size, 30)], loss_of).activations for size in (2, 8))
    assert large == pytest.approx(4 * small, rel=0.1)
    # the logits in fp32 alone, and at most all that two layers and a loss could keep
    assert 8 * 30 * 280 * 4 < large < 8 * 30 * 4 * (4 * 280 + 2 * 2 * 20 * 16 + 2 * 30 * 4)
    next(model.parameters()).requires_grad_(False)
    seen = SimpleNamespace(examples=110, left_out=SimpleNamespace(count=10), prompt_tokens=700, completion_tokens=300)
    spent = cost(seen, SimpleNamespace(seconds=0.5, activations=large), model, examples=8, steps=50, batches=100)
    learned = model.num_parameters() - 280 * 16
    assert (spent.weights, spent.gradients, spent.moments) == (4 * model.num_parameters(), 4 * learned, 8 * learned)
    assert (spent.epochs, spent.tokens, spent.seconds) == (4.0, 4000, 50.0)
    assert str(spent).startswith("4.0 epochs, 0.0 M tokens, about 0.8 min, 1 MB (weights 0, gradients 0, moments 0,")


def test_a_measurement_that_fails_holds_no_memory():
    """Out of memory comes before the backward pass, which would have freed what was saved for it."""
    model, saved = new_model(), []

    def loss_of(one):
        likelihoods = model(**one).logits.softmax(-1)  # saved by the node that made it
        saved.append(weakref.ref(likelihoods))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(torch.OutOfMemoryError):
        measure(model, [batch(2, 5)], loss_of)
    gc.collect()
    assert [one() for one in saved] == [None]


def test_measuring_a_small_model_is_cheap():
    model = new_model()
    began = time.process_time()
    measure(model, [batch(8, 60)] * 50, lambda one: model(**one).loss)
    assert time.process_time() - began < 2
