"""A second training on people's texts and the best of the model's own: which those are, what is learned, and what a kill costs."""

import hashlib
import logging
import shutil
from pathlib import Path

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from ecom_llm.layout import Layout
from ecom_llm.params import Params, validate
from ecom_llm.records import Example, UserError
from ecom_llm.shards import read_records, write_records
from ecom_llm.train import own_texts, parts, stage
from ecom_llm.train.encoded_texts import EncodedTexts, encoded_batches, write_whole
from ecom_llm.train.model import load_checkpoint
from ecom_llm.train.own_texts import asked, best, decoding_of, is_written, to_learn, whole_pieces, write_all
from ecom_llm.train.parts import with_own
from ecom_llm.train.telling import Telling
from ecom_llm.train.tokenizer import train_tokenizer
from ecom_llm.train.told import read_told
from ecom_llm.train.watchdog import Watchdog
from ecom_llm.write.candidates import Candidate
from ecom_llm.write.encode import encode
from ecom_llm.write.generation import drawn_candidates
from ecom_llm.write.reranking import ranked
from tests.unit.train.test_stage import curve

OWN = {"steps": 10, "num_return_sequences": 4, "texts": 2, "max_new_tokens": 6, "batch_size": 64, "warmup_steps": 2}


class Stopped(BaseException):
    """Stands for a kill at a certain line."""


def stop(*arguments: object, **named: object) -> None:
    raise Stopped


def changed(params: Params, own: dict[str, object], **values: object) -> Params:
    tree = params.model_dump()
    tree["train"] |= {"max_steps": 10, "num_threads": 1, **values}
    tree["train"]["self_training"] |= own
    return validate(tree, "test")


@pytest.fixture
def small(prepared) -> Layout:
    """Thirty training examples."""
    write_records(prepared.split("train"), Example, list(read_records(prepared.split("train"), Example))[:30])
    return prepared


@pytest.fixture
def params(tiny_params) -> Params:
    return changed(tiny_params, OWN)


def result(layout: Layout) -> dict[str, str]:
    files = [*sorted(layout.model.rglob("*")), layout.curve]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


def found(text: str, faults: int, likely: float = -1.0) -> Candidate:
    return Candidate(text=text, written=text, faults=faults, mean_log_probability=likely)


def test_the_best_are_distinct_without_faults_and_what_the_others_agree_with(params):
    decoding = decoding_of(params.train)
    agreed = [found("a red dress for her", 0), found("a red dress for him", 0), found("a red dress for her", 0)]
    odd = [found("buy it", 0, -1.5), found("a red dress", 1, -0.1), found("", 0, -0.1)]
    assert best([*odd, *agreed], decoding, 2) == ("a red dress for her", "a red dress for him")
    assert best([*odd, *agreed], decoding, 9) == ("a red dress for her", "a red dress for him", "buy it")
    faulty = [found("a dress", 2), found("a red dress", 1), found("a blue dress", 1)]
    assert len(best(faulty, decoding, 2)) == 1
    assert best(faulty, decoding, 2)[0] != "a dress"
    assert best([found("", 0)], decoding, 2) == ()


def test_items_and_answers_from_evidence_are_not_the_models_to_write(small):
    one = next(iter(read_records(small.split("train"), Example)))
    question = {"question": "Is it red?"}
    assert is_written(one)
    assert not is_written(one.model_copy(update={"skill": "recommend"}))
    assert not is_written(one.model_copy(update={"skill": "answer", "attributes": question}))
    assert is_written(one.model_copy(update={"skill": "answer", "attributes": {"colour": "red", **question}}))


def kept(layout: Layout, to: Path, monkeypatch) -> parts.Parts:
    """The folder of the training that is run next, as it is when it ends."""
    write_curve = stage.write_curve

    def copying(*arguments: object) -> None:
        (folder,) = (path for path in layout.checkpoints.iterdir() if path.is_dir())
        shutil.copytree(folder, to)
        write_curve(*arguments)

    monkeypatch.setattr(stage, "write_curve", copying)
    return parts.Parts(to)


def test_the_second_training_learns_peoples_texts_and_those_that_consensus_takes(small, params, tmp_path, monkeypatch):
    learned, begun, folder = [], {}, kept(small, tmp_path / "kept", monkeypatch)
    new_trainer = stage.new_trainer

    def looking(used: Params, *others: object) -> object:
        learned.append((used.train, [tuple(one.completion) for one in others[2]["train"].encoded]))
        begun.update({name: weight.clone() for name, weight in others[1].state_dict().items()})
        return new_trainer(used, *others)

    monkeypatch.setattr(stage, "new_trainer", looking)
    stage.run(params, small)
    (first, peoples), (second, both) = learned
    assert (first.max_steps, first.learning_rate) == (10, params.train.learning_rate)
    assert (second.max_steps, second.learning_rate, second.warmup_steps) == (10, 0.001, 2)
    assert both[: len(peoples)] == peoples and len(peoples) == 30

    model, tokenizer = load_checkpoint(folder.model, "float32", False, 320)
    assert all(torch.equal(weight, begun[name]) for name, weight in model.state_dict().items())
    examples = list(read_records(small.split("train"), Example))
    decoding = decoding_of(params.train)
    drawn = drawn_candidates(model.eval(), tokenizer, examples, encode(examples, tokenizer), decoding)
    own = []
    for example, candidates in zip(examples, drawn, strict=True):
        order = [one for one in ranked(candidates, 0.5, 2.0) if one.text]
        texts = list(dict.fromkeys(one.text for one in order if not one.faults))[:2] or [one.text for one in order[:1]]
        own += [example.model_copy(update={"target": text}) for text in texts]
    assert both[len(peoples) :] == [tuple(one.completion) for one in encode(own, tokenizer, learned=True)]


def test_own_texts_are_shown_as_often_as_their_example_and_never_cut(small, params, tmp_path):
    """And none is written for an example that no epoch shows, or that is too long itself."""
    one = next(iter(read_records(small.split("train"), Example)))
    weights = {"twice": 2.0, "once": 1.0, "never": 1e-9}
    some = [one.model_copy(update={"id": name, "weight": weight}) for name, weight in weights.items()]
    write_records(small.split("train"), Example, some)
    found, folder = list(asked(small.split("train"), 1)), parts.Parts(tmp_path)
    assert [one.id for one in found] == ["twice", "once"]
    write_all(folder.texts, found, 2, lambda waiting: [("red", "red " * 1000)] * len(waiting))
    tokenizer = train_tokenizer(["a red dress"], 300)
    learned = list(to_learn(folder.texts, found, 1))
    assert [(one.id, one.weight) for one in learned] == [
        ("twice#s0", 2),
        ("twice#s1", 2),
        ("once#s0", 1),
        ("once#s1", 1),
    ]
    write_whole(folder.encoded, encoded_batches(learned, tokenizer, "causal"))
    people = EncodedTexts(list(encoded_batches(some[:1], tokenizer, "causal")))
    names = [name for name, _ in with_own(people, folder, params.train).named()]
    assert names == ["twice", "twice#s0", "twice#s0", "once#s0"]
    long = one.model_copy(update={"target": "red " * 1000})
    write = own_texts.writer(None, tokenizer, params.train, None)
    assert write([long]) == [()]


@pytest.mark.parametrize("left", [b"", b'{"own":[{"id":"torn', b'{"own":[{"id":"torn"}\n', b"\0\0\0\0\n"])
def test_a_piece_that_is_whole_stays_and_what_is_torn_is_written_again(small, tmp_path, monkeypatch, left):
    monkeypatch.setattr(own_texts, "PIECE", 20)
    examples, path, written = list(read_records(small.split("train"), Example)), tmp_path / "texts.jsonl", []

    def write(some: list[Example]) -> list[tuple[str, ...]]:
        written.append(len(some))
        return [(f"text {one.id}",) for one in some]

    write_all(path, examples, 30, write)
    whole = path.read_bytes()
    path.write_bytes(whole.splitlines(keepends=True)[0] + left)
    write_all(path, examples, 30, write)
    assert path.read_bytes() == whole
    write_all(path, examples, 30, write)
    assert written == [20, 10, 10]
    assert [own.id for piece in whole_pieces(path) for own in piece.own] == [one.id for one in examples]


def test_one_curve_is_told_and_written(small, params, caplog):
    caplog.set_level(logging.INFO)
    stage.run(params, small)
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


def test_killed_within_and_between_its_parts_it_ends_in_the_same_bytes(small, params, monkeypatch):
    monkeypatch.setattr(own_texts, "PIECE", 10)
    stage.run(params, small)
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

    stopped(small, params, monkeypatch, Telling, "on_step_end", at_step(7))
    stopped(small, params, monkeypatch, stage, "keep_first")
    stopped(small, params, monkeypatch, shutil, "rmtree", no_checkpoint_goes)
    (folder,) = (parts.Parts(path) for path in small.checkpoints.iterdir() if path.is_dir())
    assert list(folder.checkpoints("first").glob("checkpoint-*"))
    first = folder.model.stat().st_mtime_ns
    stopped(small, params, monkeypatch, parts, "writer", dying)
    monkeypatch.setattr(parts, "writer", dying)
    stopped(small, params, monkeypatch, parts, "write_whole")
    stopped(small, params, monkeypatch, Telling, "on_step_end", at_step(17))
    assert told(small) == [point for point in points if point[0] <= 15]
    stopped(small, params, monkeypatch, stage, "save")
    stopped(small, params, monkeypatch, stage, "write_curve")
    assert folder.model.stat().st_mtime_ns == first
    stage.run(params, small)
    assert result(small) == wanted
    assert len(written) == 30, "a piece was written twice"
    assert not [path for path in small.checkpoints.iterdir() if path.is_dir()]


def test_without_steps_nothing_of_it_is_asked(small, params, monkeypatch):
    stage.run(changed(params, {"steps": 0}), small)
    first = result(small)
    for name in ("self_training", "check_asked", "keep_first", "write_own", "with_own", "first_state"):
        monkeypatch.setattr(stage, name, stop)
    stage.run(changed(params, {"steps": 0, "texts": 1, "learning_rate": 0.5, "temperature": 0.1}), small)
    assert result(small) == first


@pytest.mark.parametrize(
    ("values", "own", "said"),
    [
        ({"objective": "masked"}, {}, r"self_training\.steps 10 needs objective causal, found masked"),
        ({"lora_r": 4, "init": "checkpoint"}, {}, r"self_training\.steps 10 needs lora_r 0, found 4"),
        ({"sharding": "fsdp2", "num_processes": 2}, {}, r"self_training\.steps 10 needs sharding none, found fsdp2"),
        ({}, {"texts": 5}, r"self_training\.texts 5 is more than self_training\.num_return_sequences 4"),
        ({}, {"temperature": 0}, r"train\.self_training\.temperature: Input should be greater than 0"),
    ],
)
def test_what_cannot_be_had_is_refused(params, values, own, said):
    with pytest.raises(UserError, match=said):
        changed(params, own, **values)
    if not own:
        changed(params, {"steps": 0}, **values)


def test_nothing_to_write_for_is_refused_before_anything_is_trained(small, params, monkeypatch):
    ranked_alone = [
        one.model_copy(update={"skill": "recommend"}) for one in read_records(small.split("train"), Example)
    ]
    write_records(small.split("train"), Example, ranked_alone)
    monkeypatch.setattr(stage, "fitting", stop)
    with pytest.raises(
        UserError, match=r"train\.self_training\.steps is 10, but the model writes for no training example"
    ):
        stage.run(params, small)


def test_too_many_texts_at_once_are_told_by_their_parameter(small, params, tmp_path, monkeypatch):
    def lacking(*given: object) -> None:
        raise torch.OutOfMemoryError("2 GiB")

    monkeypatch.setattr(parts, "load_checkpoint", lambda *given: (torch.nn.Linear(1, 1), None))
    monkeypatch.setattr(parts, "write_all", lacking)
    with pytest.raises(UserError, match=r"to write 64 texts at once\. Set train\.self_training\.batch_size=32\.$"):
        parts.write_own(params, small, parts.Parts(tmp_path), on_cuda=False)


def test_a_second_training_that_is_lost_names_its_own_rate(tmp_path):
    dog, arguments = Watchdog(1.0, 0, 8.0, "train.self_training"), TrainingArguments(str(tmp_path), use_cpu=True)
    with pytest.raises(
        UserError, match=r"Lower train\.self_training\.learning_rate .* raise train\.self_training\.warmup_steps"
    ):
        dog.on_log(arguments, TrainerState(global_step=3), TrainerControl(), {"loss": float("nan")})


@pytest.mark.processes
def test_two_processes_train_on_the_texts_that_their_parent_wrote(small, params):
    stage.run(changed(params, {}, num_processes=2, per_device_train_batch_size=4), small)
    assert [int(row["step"]) for row in curve(small)] == [5, 10, 15, 20]
    assert [(one.step, one.loss) for one in read_told(small.live_curve, 0)[0] if one.loss][-1][0] == 20
