"""LoRA: the adapter alone learns, resumes to the same bytes, and merged it is the model that was trained."""

import json
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from peft.helpers import disable_input_dtype_casting
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PrinterCallback,
    Qwen3Config,
    Qwen3ForCausalLM,
    Trainer,
    TrainingArguments,
)

from ecom_llm.records import UserError
from ecom_llm.train import lora

SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "initializer_range": 0.2,
}
PROJECTIONS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
IDS = torch.arange(24).reshape(2, 12)


def qwen3(tied: bool = True) -> Qwen3ForCausalLM:
    torch.manual_seed(7)
    return Qwen3ForCausalLM(Qwen3Config(tie_word_embeddings=tied, **SIZES)).eval()


def llama() -> LlamaForCausalLM:
    torch.manual_seed(7)
    return LlamaForCausalLM(LlamaConfig(tie_word_embeddings=False, **SIZES)).eval()


def adapted(model: PreTrainedModel, **changed: object) -> PeftModel:
    """A model whose adapter does something: B is no longer zero."""
    values = {"r": 4, "alpha": 8.0, "dropout": 0.0, "target_modules": lora.ALL_LINEAR, "seed": 1}
    peft = lora.with_lora(model, **(values | changed)).eval()
    torch.manual_seed(3)
    for name, weight in peft.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return peft


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=IDS).logits.float()


def adapter(model: PeftModel) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in model.named_parameters() if weight.requires_grad}


def test_at_first_it_changes_no_logit_and_the_adapter_alone_learns():
    before = logits(qwen3())
    peft = lora.with_lora(qwen3(), r=4, alpha=8.0, dropout=0.0, target_modules=lora.ALL_LINEAR, seed=1)
    assert torch.equal(logits(peft), before)
    learned = adapter(peft)
    assert all("lora_" in name for name in learned)
    assert {name.split(".lora_")[0].rpartition(".")[2] for name in learned} == PROJECTIONS


def test_the_seed_decides_the_adapter():
    def drawn(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed + 100)  # whatever was drawn before
        return adapter(lora.with_lora(qwen3(), r=4, alpha=8.0, dropout=0.0, target_modules=["q_proj"], seed=seed))

    first, same, other = drawn(1), drawn(1), drawn(2)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_over_bfloat16_weights_the_adapter_is_float32():
    peft = adapted(qwen3().to(torch.bfloat16))
    assert {weight.dtype for weight in adapter(peft).values()} == {torch.float32}


@pytest.mark.parametrize("build", [qwen3, llama])
def test_merged_it_is_the_model_that_was_trained(build, tmp_path):
    peft = adapted(build())
    trained = logits(peft)
    assert (trained - logits(build())).abs().max() > 0.1
    whole = lora.merged(peft)
    assert type(whole) is type(build())
    torch.testing.assert_close(logits(whole), trained, atol=1e-5, rtol=1e-5)
    whole.save_pretrained(tmp_path)
    assert not [name for name in load_file(tmp_path / "model.safetensors") if "lora" in name]
    torch.testing.assert_close(logits(AutoModelForCausalLM.from_pretrained(tmp_path)), trained, atol=1e-5, rtol=1e-5)


def test_merged_weights_keep_the_type_of_the_base():
    peft = adapted(qwen3().to(torch.bfloat16))
    trained = logits(peft)
    whole = lora.merged(peft)
    assert {weight.dtype for weight in whole.parameters()} == {torch.bfloat16}
    # sums of bfloat16 are good to 1 in 256
    torch.testing.assert_close(logits(whole), trained, atol=0.05 * trained.abs().max().item(), rtol=0)


def test_tied_embeddings_stay_tied_and_as_they_were():
    whole = lora.merged(adapted(qwen3(tied=True)))
    assert whole.config.tie_word_embeddings
    assert whole.lm_head.weight is whole.model.embed_tokens.weight
    assert torch.equal(whole.lm_head.weight, qwen3().lm_head.weight)


def test_a_layer_of_logits_of_its_own_may_have_an_adapter():
    peft = adapted(qwen3(tied=False), target_modules=["q_proj", "lm_head"])
    trained = logits(peft)
    torch.testing.assert_close(logits(lora.merged(peft)), trained, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("wrong", [["q_proj", "lm_head"], ["q_proj", "w_proj"], ["embed_tokens"], "all_linear"])
def test_a_layer_that_can_have_no_adapter_is_named(wrong):
    name = wrong if isinstance(wrong, str) else wrong[-1]
    with pytest.raises(UserError, match=rf"train\.lora_target_modules: '{name}' is no layer of Qwen3.*down_proj, "):
        lora.with_lora(qwen3(), r=4, alpha=8.0, dropout=0.0, target_modules=wrong, seed=1)


def test_a_broken_adapter_is_not_merged():
    peft = adapted(qwen3())
    for name, weight in peft.named_parameters():
        if name.endswith("layers.1.mlp.up_proj.lora_A.default.weight"):
            weight.data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="NaNs detected"):
        lora.merged(peft)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft 0.21 asks for it
def test_the_saved_adapter_gives_the_model_back_and_no_path(tmp_path):
    qwen3().save_pretrained(tmp_path / "Qwen3-tiny")
    peft = adapted(AutoModelForCausalLM.from_pretrained(tmp_path / "Qwen3-tiny"))
    lora.save_adapter(peft, tmp_path / "adapter")
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    text = (tmp_path / "adapter" / "adapter_config.json").read_text()
    config = json.loads(text)
    assert str(tmp_path) not in text
    assert config["base_model_name_or_path"] == "Qwen3-tiny"
    # a set, which every process would write in another order
    assert config["target_modules"] == sorted(config["target_modules"])
    with_names = PeftModel.from_pretrained(qwen3(), tmp_path / "adapter", is_trainable=True)
    assert torch.equal(logits(with_names), logits(peft))
    assert peft.peft_config["default"].base_model_name_or_path == str(tmp_path / "Qwen3-tiny")


@pytest.mark.parametrize(
    ("name", "shown"), [("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"), ("/home/me/Qwen3-8B", "Qwen3-8B"), (None, None)]
)
def test_a_hub_id_stays_what_it_is(name, shown):
    assert lora.shown_name(name) == shown


def test_an_adapter_can_be_moved_to_another_copy_of_its_base():
    peft = adapted(qwen3())
    moved = lora.on_base(peft, qwen3())
    assert moved.get_base_model() is not peft.get_base_model()
    assert torch.equal(logits(moved.eval()), logits(peft))
    narrow = Qwen3Config(tie_word_embeddings=True, **(SIZES | {"num_hidden_layers": 1}))
    with pytest.raises(ValueError, match="does not belong to this base"):
        lora.on_base(adapted(qwen3(), target_modules=["q_proj"]), Qwen3ForCausalLM(narrow))


def test_quantised_weights_are_not_merged_into():
    peft = adapted(qwen3())
    peft.get_base_model().is_quantized = True
    with pytest.raises(ValueError, match="cannot be merged into quantised weights"):
        lora.merged(peft)


def test_four_bits_without_bitsandbytes_is_refused(monkeypatch):
    monkeypatch.setattr(lora, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"load_in_4bit is true.*pip install 'bitsandbytes.*load_in_4bit=false"):
        lora.four_bit()


@pytest.mark.parametrize("base", [torch.float32, torch.bfloat16])
def test_under_autocast_inputs_need_no_cast(base):
    """peft casts them to the adapter's float32, autocast back to bfloat16: time and memory for the same numbers."""

    def gradients() -> list[torch.Tensor]:
        peft.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = peft(input_ids=IDS, labels=IDS).loss
        loss.backward()
        return [loss.detach(), *(weight.grad.clone() for weight in peft.parameters() if weight.requires_grad)]

    peft = adapted(qwen3().to(base))
    usual = gradients()
    with disable_input_dtype_casting(peft):
        spared = gradients()
    assert all(torch.equal(one, other) for one, other in zip(usual, spared, strict=True))


def trained(folder: Path, steps: int, resume: bool, **arguments: object) -> PeftModel:
    """A model after `steps` steps over random texts, checkpoints every 5."""
    generator = torch.Generator().manual_seed(1)
    texts = torch.randint(0, SIZES["vocab_size"], (32, 10), generator=generator)
    peft = lora.with_lora(qwen3(), r=4, alpha=8.0, dropout=0.2, target_modules=lora.ALL_LINEAR, seed=1)
    trainer = Trainer(
        model=peft,
        args=TrainingArguments(
            output_dir=str(folder),
            max_steps=steps,
            per_device_train_batch_size=4,
            learning_rate=0.01,
            lr_scheduler_type="constant",
            save_steps=5,
            seed=1,
            data_seed=1,
            use_cpu=True,
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
            **arguments,
        ),
        train_dataset=[{"input_ids": text, "labels": text} for text in texts],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(folder / "checkpoint-5") if resume else None)
    return trainer.model


def test_a_resumed_training_has_the_same_adapter_to_the_byte(tmp_path):
    lora.save_adapter(trained(tmp_path / "whole", 10, resume=False), tmp_path / "a")
    # as a kill leaves it; dropout must go on where its generator stood
    trained(tmp_path / "parts", 5, resume=False)
    kept = {path.name for path in (tmp_path / "parts" / "checkpoint-5").iterdir()}
    assert "adapter_model.safetensors" in kept
    assert "model.safetensors" not in kept
    lora.save_adapter(trained(tmp_path / "parts", 10, resume=True), tmp_path / "b")
    first, second = (tmp_path / name / "adapter_model.safetensors" for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    short = load_file(tmp_path / "parts" / "checkpoint-5" / "adapter_model.safetensors")
    assert any(not torch.equal(weight, short[name]) for name, weight in load_file(first).items())


@pytest.mark.parametrize("reentrant", [False, True])
def test_recomputed_activations_change_no_gradient(tmp_path, reentrant):
    plain = adapter(trained(tmp_path / "plain", 2, resume=False))
    spared = adapter(
        trained(
            tmp_path / "spared",
            2,
            resume=False,
            activation_checkpointing=True,
            activation_checkpointing_kwargs={"use_reentrant": reentrant},
        )
    )
    assert plain.keys() == spared.keys()
    assert all(torch.equal(plain[name], spared[name]) for name in plain)
