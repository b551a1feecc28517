"""A few real optimizer steps, as one of several processes or alone, and what came of them.

Started by torchrun for `proofs/exactness.py`: `python -m proofs.exactness_training FOLDER BATCH_SIZE ACCUMULATION`.
"""

import json
import random
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import PreTrainedModel, Qwen3Config, Qwen3ForCausalLM, TrainerCallback, set_seed
from transformers.utils.logging import disable_progress_bar

from ecom_llm.params import Params, read_yaml, validate
from ecom_llm.train.batching import IGNORE_INDEX, CompletionLoss, Completions
from ecom_llm.train.trainer import new_trainer
from ecom_llm.write.encode import Encoded

REPO = Path(__file__).parents[1]
VOCABULARY, PAD, STEPS, ROW = 300, 0, 6, 128
MODES = ("padded", "packed", "broken")


class NoTokenizer:
    """What a Trainer over tokens that stand for no text asks of a tokenizer."""

    pad_token_id = PAD

    def save_pretrained(self, folder: str, **kwargs: object) -> None:
        """Nothing beside a checkpoint."""


def random_texts(count: int, seed: int) -> list[Encoded]:
    """Prompts and completions of random tokens; two thirds are short, so that batches by length differ a lot."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        prompt, completion = rng.randint(3, 30), rng.choice([rng.randint(1, 6), rng.randint(1, 6), rng.randint(30, 60)])
        texts.append(Encoded(*(rng.choices(range(1, VOCABULARY), k=size) for size in (prompt, completion))))
    return texts


def small_model() -> PreTrainedModel:
    """A decoder with random weights everywhere: with the zeros that training begins with, attention would not matter."""
    set_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 16}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=VOCABULARY, initializer_range=0.2, **sizes, **heads))


def small_params(batch_size: int, accumulation: int) -> Params:
    """Steps that are all logged and never clipped: clipping would hide a gradient of the wrong size."""
    values = read_yaml(REPO / "params.yaml")
    values["train"] |= {"per_device_train_batch_size": batch_size, "gradient_accumulation_steps": accumulation}
    values["train"] |= {"max_steps": STEPS, "logging_steps": 1, "eval_steps": 1000, "save_steps": 1000}
    values["train"] |= {"warmup_steps": 1, "learning_rate": 0.001, "max_grad_norm": 1e9}
    values["train"]["mixed_precision"] = "no"
    values["runtime"]["device"] = "cpu"
    return validate(values, "proof")


class KeepGradients(TrainerCallback):
    """Copies of the gradients of the first and of the last step, as the optimizer gets them."""

    def __init__(self) -> None:
        self.kept: dict[str, torch.Tensor] = {}

    def on_pre_optimizer_step(self, args: object, state: object, control: object, **kwargs: object) -> None:
        if state.global_step in (0, STEPS - 1):
            for name, weight in kwargs["model"].named_parameters():
                self.kept[f"gradient {state.global_step + 1}: {name.removeprefix('module.')}"] = weight.grad.clone()


class MeanOfBatch(CompletionLoss):
    """The fault that accumulation is known for: every batch divided by its own tokens."""

    def __call__(self, outputs: object, labels: torch.Tensor, num_items_in_batch: object = None) -> torch.Tensor:
        whole = super().__call__(outputs, labels, num_items_in_batch)
        return whole * self.tokens_per_step / (labels != IGNORE_INDEX).sum()


def trained(folder: Path, mode: str, batch_size: int, accumulation: int) -> None:
    """Train for STEPS steps and write gradients, weights and losses to `folder`."""
    disable_progress_bar()
    data = Completions(random_texts(109, seed=1))  # 32 does not divide it: the epoch ends within a step
    params = small_params(batch_size, accumulation)
    if mode == "packed":
        rows = {
            "packing": True,
            "max_length": ROW,
            "per_device_train_batch_size": batch_size // 4,
        }  # of about four texts
        params = params.model_copy(update={"train": params.train.model_copy(update=rows)})
    trainer = new_trainer(
        params,
        folder / "state",
        small_model(),
        {"train": data, "validation": data},
        NoTokenizer(),
    )
    if mode == "broken":
        trainer.compute_loss_func = MeanOfBatch(trainer.compute_loss_func.tokens_per_step)
    gradients = KeepGradients()
    trainer.add_callback(gradients)
    trainer.train()
    if trainer.is_world_process_zero():
        weights = {f"weight: {name}": weight.detach().clone() for name, weight in trainer.model.named_parameters()}
        save_file(gradients.kept | weights, folder / f"{mode}.safetensors")
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        (folder / f"{mode}.json").write_text(json.dumps(losses))


if __name__ == "__main__":
    for each in MODES:
        trained(Path(sys.argv[1]), each, int(sys.argv[2]), int(sys.argv[3]))
