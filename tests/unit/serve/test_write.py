"""Writing with a model folder: labels, the same text every time, and what is refused before a model is loaded."""

import json
from pathlib import Path

import pytest

from ecom_llm.evaluate.decoding import decoding_of
from ecom_llm.params import Params, load_params
from ecom_llm.records import UserError
from ecom_llm.serve.write import asked, load_writer, write

REPO = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def params() -> Params:
    found = load_params(REPO / "params.yaml")
    short = found.evaluate.model_copy(update={"max_new_tokens": 8})
    return found.model_copy(update={"evaluate": short, "runtime": found.runtime.model_copy(update={"device": "cpu"})})


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random Llama: untied and with large weights, so that it writes something, and not one token for ever."""
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    from ecom_llm.train.tokenizer import train_tokenizer

    folder = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(["Write a product description.", "red dress 红色连衣裙"], 300)
    set_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), **sizes, initializer_range=1.0, eos_token_id=tokenizer.eos_token_id)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_same_request_gives_the_same_text(model_folder: Path, params: Params) -> None:
    texts = {write(model_folder, "describe", "en", {"colour": "red"}, params) for _ in range(2)}
    assert len(texts) == 1 and texts != {""}


def test_attributes_reach_the_model(model_folder: Path, params: Params) -> None:
    texts = {
        write(model_folder, "describe", "en", {"colour": value}, params) for value in ("red", "dress", "连衣裙", "e")
    }
    assert len(texts) == 4


@pytest.mark.parametrize(("locale", "label"), [("en", "[Simulated review] "), ("zh", "【模拟评论】")])
def test_reviews_are_labelled(model_folder: Path, params: Params, locale: str, label: str) -> None:
    assert write(model_folder, "review", locale, {"stars": "5"}, params).startswith(label)


def test_many_are_written_at_once_in_their_order(model_folder: Path, params: Params) -> None:
    writer = load_writer(model_folder, device="cpu", decoding=decoding_of(params.evaluate))
    examples = [asked("describe", "en", {"colour": value}) for value in ("red", "a much longer value", "zh 红色")]
    texts = writer.write(examples)
    assert len(set(texts)) == 3
    assert texts == [writer.write([example])[0] for example in examples]


def test_it_writes_by_the_decoding_of_params(model_folder: Path, params: Params) -> None:
    def texts(**settings: object) -> set[str]:
        decoded = params.model_copy(update={"evaluate": params.evaluate.model_copy(update=settings)})
        return {write(model_folder, "describe", "en", {"colour": "red"}, decoded) for _ in range(2)}

    greedy, drawn, other = texts(decoding="greedy"), texts(decoding="sampling"), texts(decoding="sampling", seed=2)
    assert len(greedy) == len(drawn) == len(other) == 1
    assert len(greedy | drawn | other) == 3


@pytest.mark.parametrize(
    ("skill", "attributes", "words"),
    [("describe", {}, "nothing to write about"), ("sing", {"a": "b"}, "no skill is called 'sing'.*describe")],
)
def test_mistakes_are_refused_before_a_model_is_loaded(
    skill: str, attributes: dict[str, str], words: str, params: Params, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=words):
        write(tmp_path / "no-model-here", skill, "en", attributes, params)


def test_folder_without_a_model_is_named(params: Params, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no-model-here: holds no model"):
        write(tmp_path / "no-model-here", "describe", "en", {"a": "b"}, params)


@pytest.mark.parametrize("text", ["{", "[1]", '"red"'])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_served_attributes_that_are_no_object_are_refused(text: str) -> None:
    from ecom_llm.serve.pyfunc_model import attributes

    with pytest.raises(UserError, match="expected a JSON object of strings"):
        attributes(text)
    assert attributes(json.dumps({"颜色": "红色"})) == {"颜色": "红色"}
