"""The batch that is refilled writes what transformers' generate() writes for each prompt alone, whatever its size and order."""

import random

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PreTrainedModel,
    Qwen3Config,
    Qwen3NextConfig,
)

from ecom_llm.write.cache import ROOM, refillable
from ecom_llm.write.choosing import Choice, drawn, new_sampler
from ecom_llm.write.continuing import Continuation, continuations

VOCABULARY, ENDS, MOST = 40, [2, 3], 24
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.3,  # far from uniform, so that a wrong mask or position shows
    "bos_token_id": None,
    "eos_token_id": None,
}
CONFIGS = {
    "Qwen3": Qwen3Config(**SMALL, head_dim=8),
    "Llama": LlamaConfig(**SMALL),
    "Mistral, a window of 8": MistralConfig(**SMALL, sliding_window=8),
    "GPT-2": GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_positions=64,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=None,
    ),
    "Qwen3-Next, with states that cannot be cut": Qwen3NextConfig(
        **SMALL,
        head_dim=8,
        layer_types=["linear_attention", "full_attention"],
        linear_num_value_heads=2,
        linear_num_key_heads=2,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        num_experts=0,
        mlp_only_layers=[0, 1],
    ),
}
LENGTHS = random.Random(1)
PROMPTS = [[LENGTHS.randrange(5, VOCABULARY) for _ in range(LENGTHS.choice([1, 2, 5, 9, 14, 30]))] for _ in range(30)]


@pytest.fixture(scope="module", params=CONFIGS)
def writer(request) -> PreTrainedModel:
    torch.manual_seed(5)
    return AutoModelForCausalLM.from_config(CONFIGS[request.param]).eval()


def written(model: PreTrainedModel, prompts: list[list[int]], size: int, **settings: object) -> list[Continuation]:
    limits = settings.pop("limits", [MOST] * len(prompts))
    choice = settings.pop("choice", Choice())
    return continuations(model, prompts, choice, limits=limits, ends=ENDS, pad_token_id=0, batch_size=size, **settings)


@pytest.fixture(scope="module")
def expected(writer) -> list[list[int]]:
    """transformers' own greedy texts, one prompt at a time, end tokens included."""
    config = GenerationConfig(do_sample=False, max_new_tokens=MOST, eos_token_id=ENDS, pad_token_id=0)
    texts = [
        writer.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), generation_config=config)
        for prompt in PROMPTS
    ]
    return [text[0, len(prompt) :].tolist() for text, prompt in zip(texts, PROMPTS, strict=True)]


@pytest.mark.parametrize("size", [1, 3, 8, 64])
def test_it_writes_what_generate_writes(writer, expected, size):
    found = written(writer, PROMPTS, size)
    assert [one.tokens for one in found] == [[token for token in text if token not in ENDS] for text in expected]
    assert [one.scored for one in found] == [len(text) for text in expected]


def test_the_prompts_order_changes_nothing(writer, expected):
    order = random.Random(2).sample(range(len(PROMPTS)), len(PROMPTS))
    found = written(writer, [PROMPTS[place] for place in order], 4)
    texts = [[token for token in expected[place] if token not in ENDS] for place in order]
    assert [one.tokens for one in found] == texts


def test_each_text_has_a_limit_of_its_own(writer, expected):
    limits = [1 + place % 5 for place in range(len(PROMPTS))]
    found = written(writer, PROMPTS, 6, limits=limits)
    cut = [text[:limit] for text, limit in zip(expected, limits, strict=True)]
    assert [one.tokens for one in found] == [[token for token in text if token not in ENDS] for text in cut]


def test_a_log_probability_is_that_of_the_whole_text(writer, expected):
    found = written(writer, PROMPTS, 5, scored=True)
    for one, prompt, text in zip(found, PROMPTS, expected, strict=True):
        ids = torch.tensor([prompt + text])
        with torch.inference_mode():
            said = writer(ids).logits[0, len(prompt) - 1 : -1].log_softmax(dim=-1)
        assert one.log_probability == pytest.approx(said.gather(1, ids[0, len(prompt) :, None]).sum().item(), abs=1e-3)


def test_a_prompt_that_several_texts_share_gives_each_its_own_draws(writer):
    prompts = [prompt for prompt in PROMPTS[:6] for _ in range(3)]
    sampler = new_sampler(prompts, temperature=1.0, top_k=0, top_p=1.0, seed=1, tokens=MOST, device=torch.device("cpu"))
    shared = written(writer, prompts, 5, choice=Choice(sampler))
    apart = written(writer, [list(prompt) for prompt in prompts], 4, choice=Choice(sampler))
    assert [one.tokens for one in shared] == [one.tokens for one in apart]
    assert len({tuple(one.tokens) for one in shared}) > 6


def test_texts_longer_than_the_room_that_is_made_at_once():
    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_config(CONFIGS["Llama"]).eval()
    long = 2 * ROOM + 9
    found = continuations(
        model, PROMPTS[:3], Choice(), limits=[long] * 3, ends=[VOCABULARY], pad_token_id=0, batch_size=2
    )
    config = GenerationConfig(do_sample=False, max_new_tokens=long, pad_token_id=0)
    for one, prompt in zip(found, PROMPTS, strict=False):
        text = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), generation_config=config
        )
        assert one.tokens == text[0, len(prompt) :].tolist()


def test_which_models_can_be_refilled():
    models = {name: AutoModelForCausalLM.from_config(config) for name, config in CONFIGS.items()}
    assert [name for name, model in models.items() if not refillable(model)] == [
        "Qwen3-Next, with states that cannot be cut"
    ]


def test_draws_follow_the_distribution():
    chances = torch.arange(10_000, dtype=torch.float64) / 10_000
    scores = torch.tensor([0.5, 0.0, 0.3, 0.2]).log().expand(len(chances), 4)
    assert torch.bincount(drawn(scores, chances), minlength=4).tolist() == pytest.approx([5000, 0, 3000, 2000], abs=1)
