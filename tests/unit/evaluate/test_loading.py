"""Loading a model folder: what it refuses, and what it does not take over from a checkpoint."""

import json
import shutil

import pytest
import torch
from transformers import AutoTokenizer

from ecom_llm.evaluate.loading import load_model, pick_device
from ecom_llm.records import UserError
from ecom_llm.write.reach import longest_input


def test_it_loads_for_measuring(model_folder, tmp_path):
    folder = tmp_path / "sampling"
    shutil.copytree(model_folder, folder)
    (folder / "generation_config.json").write_text(json.dumps({"do_sample": True, "temperature": 3.0, "top_k": 2}))
    model, tokenizer = load_model(folder, torch.device("cpu"))
    assert not model.training and model.dtype == torch.float32 and longest_input(model) == 512
    assert not model.generation_config.do_sample and model.generation_config.temperature is None
    assert tokenizer.pad_token == "<|pad|>"


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no config\.json.*dvc repro train"):
        load_model(tmp_path, torch.device("cpu"))


def test_a_pickle_is_never_loaded(model_folder, model, tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(model_folder, folder)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model(folder, torch.device("cpu"))


@pytest.mark.parametrize("kept", [0.5, 0.0])
def test_torn_weights_are_refused_in_one_line(model_folder, tmp_path, kept):
    folder = tmp_path / "torn"
    shutil.copytree(model_folder, folder)
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(UserError, match=r"torn: cannot be loaded as a causal language model: .") as refused:
        load_model(folder, torch.device("cpu"))
    assert "\n" not in str(refused.value)


def test_weights_of_another_size_are_refused(model_folder, tmp_path):
    folder = tmp_path / "wide"
    shutil.copytree(model_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": config["intermediate_size"] * 2}))
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model(folder, torch.device("cpu"))


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(model_folder, tmp_path):
    folder = tmp_path / "larger"
    shutil.copytree(model_folder, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<one more>"])
    tokenizer.save_pretrained(folder)
    with pytest.raises(UserError, match="are not of one training"):
        load_model(folder, torch.device("cpu"))


def test_a_tokenizer_that_cannot_render_a_conversation_is_refused(model_folder, tmp_path):
    folder = tmp_path / "bare"
    shutil.copytree(model_folder, folder)
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="chat template"):
        load_model(folder, torch.device("cpu"))


def test_the_device_is_the_one_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match=r"runtime\.device is cuda"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == pick_device("cuda") == torch.device("cuda")
