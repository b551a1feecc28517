"""Checkpoints that cannot be trained are refused, mostly by their files alone, with one line that says which and why."""

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

from ecom_llm.records import UserError
from ecom_llm.train.checkpoint_files import INDEX, WEIGHTS, check_checkpoint, check_tokenizer
from ecom_llm.train.tokenizer import CHAT_TEMPLATE, train_tokenizer

SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint as transformers writes it, its weights in shards."""
    folder = tmp_path_factory.mktemp("saved")
    model = LlamaForCausalLM(LlamaConfig(vocab_size=320, max_position_embeddings=64, **SIZES))
    model.save_pretrained(folder, max_shard_size="20KB")
    train_tokenizer(["A red dress."], 320).save_pretrained(folder)
    return folder


@pytest.fixture
def sharded(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "sharded"))


@pytest.fixture
def whole(sharded: Path) -> Path:
    """The same in one file."""
    for path in sharded.glob("model*"):
        path.unlink()
    save_file({"lm_head.weight": torch.zeros(320, 16)}, sharded / WEIGHTS)
    return sharded


def refusal(folder: Path, objective: str = "causal", max_length: int = 64) -> str:
    with pytest.raises(UserError) as caught:
        check_checkpoint(folder, objective, max_length)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_sound_checkpoint_passes(sharded):
    assert (sharded / INDEX).is_file()
    check_checkpoint(sharded, "causal", 64)


def test_weights_in_one_file_pass(whole):
    check_checkpoint(whole, "causal", 64)


def test_a_folder_that_is_not_there(tmp_path):
    assert "no such folder" in refusal(tmp_path / "nowhere")


def test_a_folder_of_something_else(tmp_path):
    assert "config.json is missing" in refusal(tmp_path)


def test_an_adapter_is_no_model(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "LoRA adapter" in refusal(tmp_path)


def test_pickles_are_never_opened(whole):
    (whole / WEIGHTS).unlink()
    torch.save({"evil": 1}, whole / "pytorch_model.bin")
    message = refusal(whole)
    assert "only pickled weights (pytorch_model.bin)" in message
    assert "run code" in message


def test_no_weights_at_all(whole):
    (whole / WEIGHTS).rename(whole / "adapter_model.safetensors")
    assert "no weights (expected model.safetensors" in refusal(whole)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_weights_cut_short(whole, kept):
    weights = whole / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:kept])
    assert f"{WEIGHTS}: is damaged or cut short" in refusal(whole)


def test_a_shard_cut_short(sharded):
    shard = max(sharded.glob("model-*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1])
    assert f"{shard.name}: is damaged or cut short" in refusal(sharded)


def test_a_missing_shard(sharded):
    shards = sorted(sharded.glob("model-*.safetensors"))
    shards[0].unlink()
    assert f"1 of the {len(shards)} weight files in {INDEX} missing: {shards[0].name}" in refusal(sharded)


def test_a_shard_of_another_checkpoint(sharded):
    shard = min(sharded.glob("model-*.safetensors"))
    save_file({"other": torch.zeros(1)}, shard)
    assert f"{shard.name}: lacks" in refusal(sharded)


def test_an_index_that_says_nothing(sharded):
    (sharded / INDEX).write_text("{}")
    assert "weight_map" in refusal(sharded)


@pytest.mark.parametrize("name", ["config.json", INDEX, "tokenizer.json", "tokenizer_config.json"])
def test_a_json_file_cut_short(sharded, name):
    path = sharded / name
    path.write_text(path.read_text()[:-20])
    assert f"{name}: cannot be read as JSON" in refusal(sharded)


def test_no_tokenizer(sharded):
    (sharded / "tokenizer.json").unlink()
    assert "no tokenizer (expected tokenizer.json" in refusal(sharded)


def test_a_masked_model_is_not_trained_as_a_causal_one(tmp_path):
    BertForMaskedLM(BertConfig(vocab_size=320, max_position_embeddings=64, **SIZES)).save_pretrained(tmp_path)
    train_tokenizer(["A red dress."], 320).save_pretrained(tmp_path)
    assert "BertForMaskedLM is no causal language model (expected BertLMHeadModel)" in refusal(tmp_path)
    check_checkpoint(tmp_path, "masked", 64)


def test_a_causal_model_is_not_trained_as_a_masked_one(sharded):
    assert "LlamaForCausalLM is no masked language model" in refusal(sharded, "masked")


def test_a_bare_encoder_has_no_head(sharded):
    change_config(sharded, architectures=["LlamaModel"])
    assert "LlamaModel is no causal language model" in refusal(sharded)


def test_a_model_with_code_of_its_own(sharded):
    change_config(sharded, model_type="my_own", auto_map={"AutoModelForCausalLM": "modeling.Mine"})
    message = refusal(sharded)
    assert "model_type 'my_own', which this transformers does not know" in message
    assert "never run here" in message


def test_texts_longer_than_the_model_reaches(sharded):
    assert "train.max_length 65 is above the model's max_position_embeddings 64" in refusal(sharded, max_length=65)
    change_config(sharded, max_position_embeddings=None, text_config={"max_position_embeddings": 32})
    assert "max_position_embeddings 32" in refusal(sharded, max_length=33)


def new_tokenizer(template: str = CHAT_TEMPLATE):
    """256 bytes, four special tokens and the merges of one sentence: 267 entries."""
    tokenizer = train_tokenizer(["A red dress."], 300)
    tokenizer.chat_template = template
    return tokenizer


def new_model(vocab_size: int = 280, **ends: object) -> LlamaForCausalLM:
    ids = {"bos_token_id": None, "eos_token_id": 3, "pad_token_id": 0} | ends
    return LlamaForCausalLM(LlamaConfig(vocab_size=vocab_size, max_position_embeddings=64, **SIZES, **ids))


def test_a_tokenizer_larger_than_the_model_is_refused():
    with pytest.raises(UserError, match=r"base: the tokenizer has 267 entries and the model 266 embeddings"):
        check_tokenizer(new_tokenizer(), new_model(vocab_size=266), 64, "base")


def test_a_tokenizer_that_ends_texts_otherwise_is_refused():
    with pytest.raises(UserError, match=r"'<\|end\|>' \(id 3\) for the tokenizer and with id 2 for the model"):
        check_tokenizer(new_tokenizer(), new_model(eos_token_id=2), 64, "base")
    check_tokenizer(new_tokenizer(), new_model(eos_token_id=[2, 3]), 64, "base")


def test_a_limit_above_the_models_is_refused():
    with pytest.raises(UserError, match=r"train\.max_length 65 is above the model's max_position_embeddings 64"):
        check_tokenizer(new_tokenizer(), new_model(), 65, "base")


def test_what_may_be_meant_is_only_said(caplog):
    caplog.set_level(logging.WARNING)
    check_tokenizer(new_tokenizer(), new_model(), 64, "base")
    assert not caplog.messages
    odd = new_tokenizer(CHAT_TEMPLATE.replace("<|user|>", "<|im_start|>"))
    check_tokenizer(odd, new_model(vocab_size=400, pad_token_id=2), 64, "base")
    assert caplog.messages == [
        "base: the model has 400 embeddings and its tokenizer only 267 entries",
        "base: padding is id 0 for the tokenizer and 2 for the model",
        "base: the chat template writes <|im_start|>, no entry of the tokenizer",
    ]
