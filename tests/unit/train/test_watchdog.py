"""Trainings that end before their last step: lost, out of memory, or early; and what a rerun makes of each."""

import math
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch.utils.data import SequentialSampler
from transformers import (
    EarlyStoppingCallback,
    LlamaConfig,
    LlamaForCausalLM,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.utils.logging import disable_progress_bar

from ecom_llm.records import UserError
from ecom_llm.train import watchdog
from ecom_llm.train.batching import CompletionLoss, Completions, LeftPadded
from ecom_llm.train.watchdog import Watchdog, ended, halve_batch, restore_ended, smallest_factor
from ecom_llm.write.encode import Encoded

ENTRIES = 64
CHANCE = math.log(ENTRIES)


class Killed(BaseException):
    """Stands for kill -9: nothing of the training runs after it."""


class InOrder(Trainer):
    """A Trainer whose order needs no generator."""

    def _get_train_sampler(self, train_dataset=None):
        return SequentialSampler(self.train_dataset)


class KilledAt(TrainerCallback):
    def __init__(self, step: int, event: str) -> None:
        self.step = step
        setattr(self, event, self.kill)

    def kill(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise Killed


def texts(count: int, seed: int) -> Completions:
    generator = torch.Generator().manual_seed(seed)
    return Completions(
        [
            Encoded(
                *(torch.randint(4, ENTRIES, (length,), generator=generator).tolist() for length in (5, 3 + index % 4))
            )
            for index in range(count)
        ]
    )


def new_trainer(folder: Path, *callbacks: TrainerCallback, loss: Callable | None = None, **changes: object) -> Trainer:
    """A training of seconds whose validation texts share nothing with those it learns: it overfits at once."""
    disable_progress_bar()
    set_seed(1)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=ENTRIES, attention_dropout=0.1, **sizes))
    values = {
        "output_dir": str(folder),
        "max_steps": 60,
        "per_device_train_batch_size": 8,
        "learning_rate": 3e-2,
        "logging_steps": 2,
        "eval_strategy": "steps",
        "eval_steps": 4,
        "save_strategy": "steps",
        "save_steps": 4,
        "save_total_limit": 2,
        "logging_nan_inf_filter": False,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
    }
    trainer = InOrder(
        model=model,
        args=TrainingArguments(**values | changes),
        train_dataset=texts(36, seed=1),
        eval_dataset=texts(16, seed=2),
        data_collator=LeftPadded(0),
        compute_loss_func=loss or CompletionLoss(8 * 4.5),
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def new_watchdog(margin: float = 1.0, patience: int = 3) -> Watchdog:
    return Watchdog(margin, patience, CHANCE)


def last(folder: Path) -> Path:
    return max(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))


def spoiled(call: int, spoil: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable:
    """A loss that is spoiled from the training's `call`-th batch on."""
    sound, calls = CompletionLoss(8 * 4.5), []

    def loss(outputs, labels, num_items_in_batch=None):
        calls.append(outputs.logits.requires_grad)
        value = sound(outputs, labels)
        return spoil(value, outputs.logits) if outputs.logits.requires_grad and sum(calls) >= call else value

    return loss


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_training(tmp_path, value):
    trainer = new_trainer(tmp_path, new_watchdog(), loss=spoiled(8, lambda loss, _: loss * value))
    with pytest.raises(
        UserError, match=rf"^train: loss is {value} at step 8\. Lower train\.learning_rate.*checkpoint-4;"
    ):
        trainer.train()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-4"]


def test_transformers_own_filter_hides_the_loss_but_not_its_gradient(tmp_path):
    loss = spoiled(7, lambda loss, _: loss * math.nan)
    with pytest.raises(UserError, match=r"^train: grad_norm is nan at step 8"):
        new_trainer(tmp_path, new_watchdog(), loss=loss, logging_nan_inf_filter=True).train()


def test_no_checkpoint_holds_weights_that_are_no_numbers(tmp_path):
    """The loss of step 8 is still finite; its gradient is not, and a checkpoint is due."""
    trainer = new_trainer(
        tmp_path, new_watchdog(), loss=spoiled(8, lambda loss, logits: loss + (logits * 0).sum().sqrt())
    )
    with pytest.raises(UserError, match=r"^train: grad_norm is nan at step 8"):
        trainer.train()
    saved = load_file(last(tmp_path) / "model.safetensors")
    assert last(tmp_path).name == "checkpoint-4"
    assert all(weights.isfinite().all() for weights in saved.values())


def test_a_training_that_diverges_ends_and_so_does_its_rerun(tmp_path, monkeypatch):
    monkeypatch.setattr(watchdog, "WINDOW", 10)
    changes = {"learning_rate": 3.0, "warmup_steps": 30, "max_grad_norm": 100.0}
    with pytest.raises(UserError) as first:
        new_trainer(tmp_path, new_watchdog(), **changes).train()
    assert "the loss diverges" in str(first.value)
    assert f"goes on from {last(tmp_path).name} and ends the same way" in str(first.value)
    with pytest.raises(UserError) as second:
        new_trainer(tmp_path, new_watchdog(), **changes).train(resume_from_checkpoint=str(last(tmp_path)))
    assert str(second.value) == str(first.value)


def test_a_training_that_learns_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(watchdog, "WINDOW", 10)
    trainer = new_trainer(tmp_path, new_watchdog())
    trainer.train()
    losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert losses[-1] > losses[0] + 1  # overfitting is none of its business
    assert trainer.state.global_step == 60


def follow(dog: Watchdog, losses: list[float], every: int, begin: int = 0) -> int | None:
    """The step at which `losses`, logged every `every` steps, end the training that has logged the first `begin`."""
    history = [{"step": every * (index + 1), "loss": loss} for index, loss in enumerate(losses)]
    args = SimpleNamespace(output_dir="nowhere", learning_rate=0.1, warmup_steps=0)
    dog.on_train_begin(args, SimpleNamespace(log_history=history[:begin]), None)
    for entry in history[begin:]:
        try:
            dog.on_log(args, SimpleNamespace(global_step=entry["step"]), None, logs={"loss": entry["loss"]})
        except UserError:
            return entry["step"]
    return None


def test_divergence_is_called_after_so_many_logged_steps():
    falling = [4.0, 3.0, 2.0, 1.0]
    assert follow(new_watchdog(), [*falling, 2.5, 2.5, 2.5, 2.5], every=100) == 700
    assert follow(new_watchdog(patience=1), [*falling, 2.5], every=100) == 500
    assert follow(new_watchdog(), [*falling, 2.5, 2.5, 1.5, 2.5, 2.5], every=100) is None
    assert follow(new_watchdog(), [*falling, 1.9, 1.9, 1.9, 1.9], every=100) is None
    assert follow(new_watchdog(patience=0), [*falling, 9.0, 9.0, 9.0, 9.0], every=100) is None


def test_worse_than_guessing_is_lost_ground_too():
    assert follow(new_watchdog(), [CHANCE + 1.1] * 4, every=100) == 300
    assert follow(new_watchdog(), [CHANCE + 0.9] * 9, every=100) is None


def test_the_saw_teeth_of_a_length_grouped_order_are_no_divergence():
    """50 batches from long to short: per step the loss falls from twice the mean to nothing, and starts again."""
    teeth = [2 * CHANCE * (1 - batch / 50) for batch in range(50)] * 10
    for every in (1, 5, 10, 25, 50):
        logged = [sum(teeth[at : at + every]) / every for at in range(0, 500, every)]
        assert follow(new_watchdog(), logged, every) is None


LOSSES = st.lists(st.floats(0, 12), min_size=1, max_size=40)


@given(LOSSES, st.integers(1, 250), st.integers(0, 40))
def test_a_resumed_training_is_judged_as_one_never_interrupted(losses, every, begin):
    whole = follow(new_watchdog(), losses, every)
    begin = min(begin, len(losses) if whole is None else whole // every - 1)
    assert follow(new_watchdog(), losses, every, begin) == whole


@given(LOSSES, st.integers(1, 250))
def test_losses_within_the_margin_never_end_a_training(losses, every):
    assert follow(new_watchdog(margin=12 - CHANCE), [max(loss, CHANCE) for loss in losses], every) is None


EARLY = {
    "load_best_model_at_end": True,
    "metric_for_best_model": "eval_loss",
    "restore_callback_states_from_checkpoint": True,
}


def result(trainer: Trainer) -> tuple[dict[str, bytes], list[tuple[int, float | None, float | None]]]:
    curve = [(entry["step"], entry.get("loss"), entry.get("eval_loss")) for entry in trainer.state.log_history]
    return (
        {name: weights.numpy().tobytes() for name, weights in trainer.model.state_dict().items()},
        [point for point in curve if point[1:] != (None, None)],
    )


def early(folder: Path, *callbacks: TrainerCallback) -> Trainer:
    return new_trainer(folder, EarlyStoppingCallback(3), new_watchdog(), *callbacks, **EARLY)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A training that early stopping ended."""
    trainer = early(tmp_path_factory.mktemp("stopped"))
    trainer.train()
    return trainer


def test_training_stops_early_and_the_best_checkpoint_wins(stopped):
    losses = {entry["step"]: entry["eval_loss"] for entry in stopped.state.log_history if "eval_loss" in entry}
    best = min(losses, key=losses.get)
    assert max(losses) == best + 3 * 4 == stopped.state.global_step < 60
    folder = Path(stopped.args.output_dir)
    assert {path.name for path in folder.iterdir()} == {f"checkpoint-{best}", f"checkpoint-{max(losses)}"}
    saved = load_file(folder / f"checkpoint-{best}" / "model.safetensors")
    assert all(torch.equal(stopped.model.state_dict()[name], weights) for name, weights in saved.items())


@pytest.mark.parametrize("before_the_end", [0, 1, 5, 9])
def test_killed_it_goes_on_to_the_same_bytes(stopped, tmp_path, before_the_end):
    """Best loss and patience used come back with the checkpoint; killed at the very end there is nothing left to do."""
    step = stopped.state.global_step - before_the_end
    with pytest.raises(Killed):
        early(tmp_path, KilledAt(step, "on_save" if before_the_end == 0 else "on_step_end")).train()
    again, checkpoint = early(tmp_path), last(tmp_path)
    assert ended(checkpoint) == (before_the_end == 0)
    if ended(checkpoint):
        restore_ended(again, checkpoint)
    else:
        again.train(resume_from_checkpoint=str(checkpoint))
    assert result(again) == result(stopped)


def test_a_training_that_reached_its_last_step_takes_no_further_one(tmp_path):
    whole = new_trainer(tmp_path, max_steps=7)
    whole.train()
    assert ended(last(tmp_path))
    again = new_trainer(tmp_path, max_steps=7)
    restore_ended(again, last(tmp_path))
    assert result(again) == result(whole)
    assert not ended(tmp_path / "checkpoint-4")


def out_of_memory_above(size: int, error: Exception, calls: list[tuple[int, int]]) -> Callable[[int, int], str]:
    def attempt(batch_size: int, accumulation: int) -> str:
        calls.append((batch_size, accumulation))
        if batch_size > size:
            raise error
        return "trained"

    return attempt


CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
CPU = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
)


ONEDNN = RuntimeError("could not create a primitive")


@pytest.mark.parametrize("error", [CUDA, CPU, ONEDNN])
def test_out_of_memory_the_batch_is_halved_and_accumulation_doubled(caplog, error):
    calls: list[tuple[int, int]] = []
    assert halve_batch(out_of_memory_above(2, error, calls), 8, 3) == "trained"
    assert calls == [(8, 3), (4, 6), (2, 12)]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "train.per_device_train_batch_size 2 and train.gradient_accumulation_steps 12" in caplog.messages[1]


def test_a_single_example_that_does_not_fit_is_refused():
    calls: list[tuple[int, int]] = []
    with pytest.raises(
        UserError, match=r"out of memory with a single example.*Tried to allocate 2.00 GiB.*train\.max_length"
    ):
        halve_batch(out_of_memory_above(0, CUDA, calls), 6, 1)
    assert calls == [(6, 1), (3, 2), (1, 6)]


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes"):
        halve_batch(out_of_memory_above(0, RuntimeError("shapes do not match"), []), 8, 1)


def test_a_failed_attempt_holds_no_memory_while_the_next_one_runs():
    """The error's traceback holds its frames, and a Trainer, which refers to itself, the tensors that filled the memory."""
    held: list[weakref.ref] = []

    def attempt(batch_size: int, accumulation: int) -> bool:
        if held:
            return held[0]() is None
        tensor = torch.zeros(1000)
        held.append(weakref.ref(tensor))
        trainer: list[object] = [tensor]
        trainer.append(trainer)
        raise torch.OutOfMemoryError("CUDA out of memory.")

    assert halve_batch(attempt, 2, 1)


@given(st.integers(2, 5000))
def test_the_smallest_factor(number):
    assert smallest_factor(number) == min(factor for factor in range(2, number + 1) if number % factor == 0)


def test_every_split_of_a_step_trains_the_same(tmp_path):
    losses = []
    for batch_size, accumulation in ((8, 1), (4, 2), (1, 8)):
        # Masks of dropout are drawn per batch, so they alone differ by the split.
        trainer = new_trainer(
            tmp_path / str(batch_size),
            max_steps=8,
            learning_rate=3e-3,
            per_device_train_batch_size=batch_size,
            gradient_accumulation_steps=accumulation,
        )
        trainer.model.config.attention_dropout = 0.0
        for layer in trainer.model.model.layers:
            layer.self_attn.attention_dropout = 0.0
        trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert losses[0] == pytest.approx(losses[2], abs=1e-5)
