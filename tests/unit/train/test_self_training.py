"""A second training on people's texts and the best of the model's own: which those are, what is learned, and what a kill costs."""

import hashlib
import logging
import shutil
from pathlib import Path

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import Example, UserError
from ecom_llm.shards import read_records, write_records
from ecom_llm.train import own_texts, parts, stage
from ecom_llm.train.model import load_checkpoint
from ecom_llm.train.own_texts import best, decoding_of, people_of, prompt_and_target
from ecom_llm.train.telling import Telling
from ecom_llm.train.told import read_told
from ecom_llm.train.watchdog import Watchdog
from ecom_llm.write.encode import encode, slotting_of
from ecom_llm.write.generation import drawn_candidates
from tests.unit.train.conftest import with_self_training
from tests.unit.train.test_stage import curve


class Stopped(BaseException):
    """Stands for a kill at a certain line."""


def stop(*arguments: object, **named: object) -> None:
    raise Stopped


def result(layout: Layout) -> dict[str, str]:
    files = [*sorted(layout.model.rglob("*")), layout.curve]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


def kept(layout: Layout, to: Path, monkeypatch) -> parts.Parts:
    """The folder of the training that is run next, as it is when it ends."""
    write_curve = stage.write_curve

    def copying(*arguments: object) -> None:
        (folder,) = (path for path in layout.checkpoints.iterdir() if path.is_dir())
        shutil.copytree(folder, to)
        write_curve(*arguments)

    monkeypatch.setattr(stage, "write_curve", copying)
    return parts.Parts(to)


def test_the_second_training_learns_peoples_texts_and_its_own_that_are_nearest_to_them(
    small, self_training, tmp_path, monkeypatch
):
    learned, begun, folder = [], {}, kept(small, tmp_path / "kept", monkeypatch)
    new_trainer = stage.new_trainer

    def looking(used: Params, *others: object) -> object:
        learned.append((used.train, [tuple(one.completion) for one in others[2]["train"].encoded]))
        begun.update({name: weight.clone() for name, weight in others[1].state_dict().items()})
        return new_trainer(used, *others)

    monkeypatch.setattr(stage, "new_trainer", looking)
    stage.run(self_training, small)
    (first, peoples), (second, both) = learned
    assert (first.max_steps, first.learning_rate) == (10, self_training.train.learning_rate)
    assert (second.max_steps, second.learning_rate, second.warmup_steps) == (10, 0.001, 2)
    assert both[: len(peoples)] == peoples and len(peoples) == 30

    model, tokenizer = load_checkpoint(folder.model, "float32", False, 320)
    assert all(torch.equal(weight, begun[name]) for name, weight in model.state_dict().items())
    examples = list(read_records(small.split("train"), Example))
    decoding = decoding_of(self_training.train)
    drawn = drawn_candidates(model.eval(), tokenizer, examples, encode(examples, tokenizer), decoding)
    own = []
    people = people_of(examples, tokenizer, 2.0)
    for example, candidates in zip(examples, drawn, strict=True):
        prompt, _ = prompt_and_target(example, slotting_of(tokenizer))
        texts = best(candidates, people.nearness(prompt), self_training.train)
        own += [example.model_copy(update={"target": text}) for text in texts]
    assert both[len(peoples) :] == [tuple(one.completion) for one in encode(own, tokenizer, learned=True)]


def test_one_curve_is_told_and_written(small, self_training, caplog):
    caplog.set_level(logging.INFO)
    stage.run(self_training, small)
    rows = curve(small)
    assert [int(row["step"]) for row in rows] == [5, 10, 15, 20]
    assert [bool(row["eval_loss"]) for row in rows] == [False, True, False, True]
    tokens = [int(row["tokens"]) for row in rows]
    assert tokens == sorted(set(tokens))
    points = {
        (name, one.step): value for one in read_told(small.live_curve, 0)[0] for name, value in one.metrics().items()
    }
    for row in rows:
        for name in ("loss", "eval_loss", "learning_rate", "tokens"):
            assert not row[name] or points[name, int(row["step"])] == float(row[name])
    assert sum(message.startswith("this will take") for message in caplog.messages) == 2
    assert any(message.startswith("texts of its own for: 30 of 30 examples") for message in caplog.messages)


def told(layout: Layout) -> list[tuple[int, float | None, float | None]]:
    return [(one.step, one.loss, one.eval_loss) for one in read_told(layout.live_curve, 0)[0]]


def stopped(layout: Layout, params: Params, monkeypatch, where: object, name: str, instead: object = stop) -> None:
    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(where, name, instead)
        stage.run(params, layout)


def at_step(step: int) -> object:
    """What stands for a kill after a step."""
    step_end = Telling.on_step_end

    def ending(self, args, state, *others, **kwargs):
        if state.global_step + self.steps_before == step:
            raise Stopped
        step_end(self, args, state, *others, **kwargs)

    return ending


def no_checkpoint_goes(path: str | Path, remove=shutil.rmtree, **named: bool) -> None:
    """What stands for a kill amid the removal of the first part's checkpoints."""
    if Path(path).name.startswith("checkpoint-") and Path(path).with_name("model").is_dir():
        raise Stopped
    remove(path, **named)


def test_killed_within_and_between_its_parts_it_ends_in_the_same_bytes(small, self_training, monkeypatch):
    monkeypatch.setattr(own_texts, "PIECE", 10)
    stage.run(self_training, small)
    wanted, points = result(small), told(small)
    shutil.rmtree(small.model)
    small.curve.unlink()
    written, kills, writer = [], [20], own_texts.writer

    def dying(*given: object) -> own_texts.Write:
        write = writer(*given)

        def writing(examples: list[Example]) -> list[tuple[str, ...]]:
            if len(written) in kills:
                kills.clear()
                raise Stopped
            written.extend(one.id for one in examples)
            return write(examples)

        return writing

    stopped(small, self_training, monkeypatch, Telling, "on_step_end", at_step(7))
    stopped(small, self_training, monkeypatch, stage, "keep_first")
    stopped(small, self_training, monkeypatch, shutil, "rmtree", no_checkpoint_goes)
    (folder,) = (parts.Parts(path) for path in small.checkpoints.iterdir() if path.is_dir())
    assert list(folder.checkpoints("first").glob("checkpoint-*"))
    first = folder.model.stat().st_mtime_ns
    stopped(small, self_training, monkeypatch, parts, "writer", dying)
    monkeypatch.setattr(parts, "writer", dying)
    stopped(small, self_training, monkeypatch, parts, "write_whole")
    stopped(small, self_training, monkeypatch, Telling, "on_step_end", at_step(17))
    assert told(small) == [point for point in points if point[0] <= 15]
    stopped(small, self_training, monkeypatch, stage, "save")
    stopped(small, self_training, monkeypatch, stage, "write_curve")
    assert folder.model.stat().st_mtime_ns == first
    stage.run(self_training, small)
    assert result(small) == wanted
    assert len(written) == 30, "a piece was written twice"
    assert not [path for path in small.checkpoints.iterdir() if path.is_dir()]


def test_without_steps_nothing_of_it_is_asked(small, self_training, monkeypatch):
    stage.run(with_self_training(self_training, {"steps": 0}), small)
    first = result(small)
    for name in ("self_training", "check_asked", "keep_first", "write_own", "with_own", "first_state"):
        monkeypatch.setattr(stage, name, stop)
    stage.run(
        with_self_training(self_training, {"steps": 0, "texts": 1, "learning_rate": 0.5, "temperature": 0.1}), small
    )
    assert result(small) == first


@pytest.mark.parametrize(
    ("values", "own", "said"),
    [
        ({"objective": "masked"}, {}, r"self_training\.steps 10 needs objective causal, found masked"),
        ({"lora_r": 4, "init": "checkpoint"}, {}, r"self_training\.steps 10 needs lora_r 0, found 4"),
        ({"sharding": "fsdp2", "num_processes": 2}, {}, r"self_training\.steps 10 needs sharding none, found fsdp2"),
        ({}, {"texts": 5}, r"self_training\.texts 5 is more than self_training\.best 4"),
        ({}, {"best": 5}, r"self_training\.best 5 is more than self_training\.num_return_sequences 4"),
        ({}, {"temperature": 0}, r"train\.self_training\.temperature: Input should be greater than 0"),
    ],
)
def test_what_cannot_be_had_is_refused(self_training, values, own, said):
    with pytest.raises(UserError, match=said):
        with_self_training(self_training, own, **values)
    if not own:
        with_self_training(self_training, {"steps": 0}, **values)


def test_nothing_to_write_for_is_refused_before_anything_is_trained(small, self_training, monkeypatch):
    ranked_alone = [
        one.model_copy(update={"skill": "recommend"}) for one in read_records(small.split("train"), Example)
    ]
    write_records(small.split("train"), Example, ranked_alone)
    monkeypatch.setattr(stage, "fitting", stop)
    with pytest.raises(
        UserError, match=r"train\.self_training\.steps is 10, but the model writes for no training example"
    ):
        stage.run(self_training, small)


def test_too_many_texts_at_once_are_told_by_their_parameter(small, self_training, tmp_path, monkeypatch):
    def lacking(*given: object) -> None:
        raise torch.OutOfMemoryError("2 GiB")

    monkeypatch.setattr(parts, "load_checkpoint", lambda *given: (torch.nn.Linear(1, 1), None))
    monkeypatch.setattr(parts, "people_of", lambda *given: None)
    monkeypatch.setattr(parts, "writer", lambda *given: None)
    monkeypatch.setattr(parts, "write_all", lacking)
    with pytest.raises(UserError, match=r"to write 64 texts at once\. Set train\.self_training\.batch_size=32\.$"):
        parts.write_own(self_training, small, parts.Parts(tmp_path), on_cuda=False)


def test_a_second_training_that_is_lost_names_its_own_rate(tmp_path):
    dog, arguments = Watchdog(1.0, 0, 8.0, "train.self_training"), TrainingArguments(str(tmp_path), use_cpu=True)
    with pytest.raises(
        UserError, match=r"Lower train\.self_training\.learning_rate .* raise train\.self_training\.warmup_steps"
    ):
        dog.on_log(arguments, TrainerState(global_step=3), TrainerControl(), {"loss": float("nan")})


@pytest.mark.processes
def test_two_processes_train_on_the_texts_that_their_parent_wrote(small, self_training):
    stage.run(with_self_training(self_training, {}, num_processes=2, per_device_train_batch_size=4), small)
    assert [int(row["step"]) for row in curve(small)] == [5, 10, 15, 20]
    assert [(one.step, one.loss) for one in read_told(small.live_curve, 0)[0] if one.loss][-1][0] == 20
