"""What keeps a small data set from being learned by heart: dropout, and prompts without rare values."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, Qwen3Config, Qwen3ForCausalLM

from ecom_llm.params import validate
from ecom_llm.records import UserError
from ecom_llm.train.dropout import with_dropout
from ecom_llm.train.stage import run
from ecom_llm.train.trainer import CompletionTrainer


def small() -> Qwen3ForCausalLM:
    torch.manual_seed(1)
    sizes = {
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "head_dim": 32,
    }
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=50, num_key_value_heads=2, **sizes))


def logits(model, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    return model(torch.arange(12)[None]).logits.detach()


def test_dropout_is_there_in_training_alone_and_leaves_no_weights():
    plain, dropping = small(), with_dropout(small(), 0.3)
    assert list(plain.state_dict()) == list(dropping.state_dict())
    assert torch.equal(logits(plain.eval(), 1), logits(dropping.eval(), 1))
    dropping.train()
    assert torch.equal(logits(dropping, 1), logits(dropping, 1))
    assert not torch.equal(logits(dropping, 1), logits(dropping, 2))
    assert not with_dropout(plain, 0.0).get_input_embeddings()._forward_hooks


def test_dropout_takes_its_share_of_the_embeddings_and_of_every_branch():
    model = with_dropout(small(), 0.3).train()
    seen: dict[str, torch.Tensor] = {}
    for name, module in model.named_modules():
        if name.endswith(("embed_tokens", "o_proj", "down_proj")):
            module.register_forward_hook(lambda _, inputs, output, name=name: seen.update({name: output.detach()}))
    torch.manual_seed(1)
    model(torch.randint(0, 50, (16, 40)))
    assert len(seen) == 5
    for output in seen.values():
        assert (output == 0).float().mean().item() == pytest.approx(0.3, abs=0.02)


def test_a_model_whose_branches_are_not_known_is_refused():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2))
    with pytest.raises(UserError, match="GPT2LMHeadModel has no layers named o_proj or down_proj"):
        with_dropout(model, 0.3)
    assert with_dropout(model, 0.0) is model


def test_masked_models_go_without(tiny_params):
    values = tiny_params.model_dump()
    values["train"] |= {"objective": "masked", "dropout": 0.1}
    with pytest.raises(UserError, match=r"masked goes without dropout, found 0\.1"):
        validate(values, "test")


@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_shares_are_below_one(tiny_params, value):
    values = tiny_params.model_dump()
    values["train"]["dropout"] = value
    with pytest.raises(UserError, match="dropout"):
        validate(values, "test")


def test_a_training_with_dropout_that_was_killed_ends_with_the_same_weights(prepared, tiny_params, monkeypatch):
    values = {"dropout": 0.2, "min_value_share": 0.5}
    params = tiny_params.model_copy(update={"train": tiny_params.train.model_copy(update=values)})
    run(params, prepared)
    whole = (prepared.model / "model.safetensors").read_bytes()
    stop = CompletionTrainer.training_step

    def killed(self, *args: object, **kwargs: object) -> torch.Tensor:
        if self.state.global_step == 12:
            raise KeyboardInterrupt
        return stop(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(CompletionTrainer, "training_step", killed)
        with pytest.raises(KeyboardInterrupt):
            run(params, prepared)
    assert list(prepared.checkpoints.glob("*/checkpoint-10"))
    run(params, prepared)
    assert (prepared.model / "model.safetensors").read_bytes() == whole
