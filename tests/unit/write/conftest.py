"""A random Llama with 60,000 weights and a byte-level BPE tokenizer, in a folder as training leaves it."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from ecom_llm.params import Params, load_params
from ecom_llm.records import Example

TEMPLATE = (
    "{% for m in messages %}{% if m['role']=='user' %}<|user|>{{ m['content'] }}<|assistant|>"
    "{% else %}{{ m['content'] }}<|end|>{% endif %}{% endfor %}"
)
SPECIAL = ["<|pad|>", "<|user|>", "<|assistant|>", "<|end|>"]
CORPUS = [
    "A red cotton dress with a round neck.",
    "A navy blue linen shirt.",
    "红色连衣裙，棉质。",
    "history\ncolour: red",
]


def example(skill: str, locale: str, number: int, attributes: dict[str, str], target: str) -> Example:
    return Example(
        id=f"{skill}:{locale}:{number}",
        skill=skill,
        locale=locale,
        attributes=attributes,
        target=target,
        product=f"P{number}",
        group=f"P{number}",
        source=f"catalogue:{number + 1}",
    )


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Models this small only lose by a second thread, most of all when other tests want the cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def params() -> Params:
    return load_params(Path(__file__).parents[3] / "params.yaml")


@pytest.fixture(scope="session")
def make_example():
    return example


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerBase:
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=330, special_tokens=SPECIAL, initial_alphabet=alphabet, min_frequency=1, show_progress=False
        ),
    )
    wrapped = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<|pad|>", eos_token="<|end|>")
    wrapped.chat_template = TEMPLATE
    return wrapped


@pytest.fixture(scope="session")
def model(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=512,
        initializer_range=0.15,  # far from uniform, so that a wrong mask or position shows
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="session")
def model_folder(model, tokenizer, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def described() -> list[Example]:
    """Forty descriptions of very different lengths, so that batches are padded a lot."""
    return [
        example("describe", "en", n, {"colour": "red", "words": "cotton " * (n % 5)}, "a dress " * (1 + n * 7 % 13))
        for n in range(40)
    ]
