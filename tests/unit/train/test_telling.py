"""What a training tells while it runs: its lines, its points, and what becomes of them after a kill or on a full disk."""

import json
import logging
import re
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Qwen3Config, Qwen3ForCausalLM, TrainerControl, TrainerState, TrainingArguments

from ecom_llm.train import telling
from ecom_llm.train.flops import flops_per_token
from ecom_llm.train.stage import run
from ecom_llm.train.telling import Telling
from ecom_llm.train.told import Told, duration, read_told, tell
from tests.unit.train.test_stage import curve

LINE = re.compile(r"step (\d+)/20 loss [\d.]+ lr [\d.e-]+ [\d,]+ tokens/s \d+\.\d GB eta \d+s")


def test_every_point_of_the_curve_was_told_while_it_ran(prepared, tiny_params, caplog):
    caplog.set_level(logging.INFO)
    run(tiny_params, prepared)
    points, _ = read_told(prepared.live_curve, 0)
    told = {(name, point.step): value for point in points for name, value in point.metrics().items()}
    for row in curve(prepared):
        for name in ("loss", "eval_loss", "learning_rate", "tokens"):
            if row[name]:
                assert told[name, int(row["step"])] == float(row[name]), (name, row)
    lines = [message for message in caplog.messages if message.startswith("step ")]
    assert [int(LINE.fullmatch(line)[1]) for line in lines if " loss " in line] == [5, 10, 15, 20]
    assert [line.split(" eta")[0].split()[2] for line in lines if "eval_loss" in line] == ["eval_loss"] * 2
    rates = [point for point in points if point.tokens_per_second]
    assert all(point.memory_gb > 0.05 and point.mfu is None for point in rates)
    assert rates[-1].eta_seconds == 0 < rates[0].eta_seconds


def test_no_out_holds_what_the_clock_says(prepared, tiny_params):
    run(tiny_params, prepared)
    assert list(curve(prepared)[0]) == ["step", "loss", "eval_loss", "learning_rate", "tokens"]
    assert not prepared.live_curve.is_relative_to(prepared.workspace)


def test_a_second_training_does_not_append_to_the_first_one_s_points(prepared, tiny_params):
    for _ in range(2):
        run(tiny_params, prepared)
    points, _ = read_told(prepared.live_curve, 0)
    assert [point.step for point in points if point.loss] == [5, 10, 15, 20]


def test_a_killed_training_resumes_to_one_curve(prepared, tiny_params, monkeypatch):
    run(tiny_params, prepared)
    uninterrupted = {(one.step, one.loss, one.eval_loss) for one in read_told(prepared.live_curve, 0)[0]}
    step_end = Telling.on_step_end

    def killed(self, args, state, *others, **kwargs):
        if state.global_step == 13:
            raise KeyboardInterrupt
        step_end(self, args, state, *others, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Telling, "on_step_end", killed)
        run(tiny_params, prepared)
    assert [one.step for one in read_told(prepared.live_curve, 0)[0] if one.loss] == [5, 10]
    run(tiny_params, prepared)
    points = [(one.step, one.loss, one.eval_loss) for one in read_told(prepared.live_curve, 0)[0]]
    assert set(points) == uninterrupted
    assert len(points) == len(set(points)), "a step told twice"


def begun(
    telling: Telling, folder: Path, first: bool = True, history: tuple[dict[str, float], ...] = ()
) -> TrainerState:
    """The state of a training that has just begun."""
    state = TrainerState(max_steps=100, log_history=list(history), is_world_process_zero=first)
    state.num_input_tokens_seen = 0
    telling.on_train_begin(TrainingArguments(str(folder), use_cpu=True), state, TrainerControl())
    return state


def log(telling: Telling, folder: Path, state: TrainerState, **logs: float) -> None:
    telling.on_log(TrainingArguments(str(folder), use_cpu=True), state, TrainerControl(), logs)


def test_a_resumed_training_tells_its_past_again(tmp_path):
    file = tmp_path / "curves" / "run.jsonl"
    begun(Telling(file, 1.0), tmp_path, history=({"step": 10, "loss": 2.5}, {"step": 10, "eval_loss": 2.25}))
    points, _ = read_told(file, 0)
    assert [(point.step, point.metrics()) for point in points] == [(10, {"loss": 2.5}), (10, {"eval_loss": 2.25})]


def test_of_several_processes_the_first_alone_tells(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    other = Telling(tmp_path / "run.jsonl", 1.0)
    log(other, tmp_path, begun(other, tmp_path, first=False), loss=1.0)
    assert not (tmp_path / "run.jsonl").exists()
    assert caplog.messages == []


def test_a_full_disk_is_said_once_and_the_training_goes_on(tmp_path, caplog):
    full = Telling(Path("/dev/full"), 1.0)
    state = begun(full, tmp_path)
    log(full, tmp_path, state, loss=1.0)
    log(full, tmp_path, state, loss=0.9)
    assert [message for message in caplog.messages if "the live curve ends here" in message] == [
        "/dev/full: the live curve ends here (No space left on device)"
    ]


def test_rate_and_utilisation_leave_validation_out(tmp_path, monkeypatch):
    """By a clock of our own: 10 s of steps, 30 s of validation, 10 s of steps."""
    clock = [0.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: clock[0])
    one = Telling(tmp_path / "run.jsonl", flops_per_token=6e6)
    state = begun(one, tmp_path)
    one.rate = 1e10  # as if a device had been measured
    arguments, control = TrainingArguments(str(tmp_path), use_cpu=True), TrainerControl()
    for step, pause in ((10, 30.0), (20, 0.0)):
        clock[0] += 10
        state.global_step, state.num_input_tokens_seen = step, step * 1000
        log(one, tmp_path, state, loss=1.0)
        clock[0] += pause
        one.on_evaluate(arguments, state, control)
    points, _ = read_told(tmp_path / "run.jsonl", 0)
    assert [point.tokens_per_second for point in points] == [1000, 1000]
    assert [point.mfu for point in points] == [0.6, 0.6]
    assert [point.eta_seconds for point in points] == [90, 200], "validations do take their time"


def test_on_a_terminal_there_is_one_bar_and_no_lines(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    drawn = []
    one = Telling(tmp_path / "run.jsonl", 1.0)
    state = begun(one, tmp_path)
    one.bar.close()
    monkeypatch.setattr(one, "bar", type("Bar", (), {"set_postfix_str": lambda self, words: drawn.append(words)})())
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    log(one, tmp_path, state, loss=1.25, learning_rate=0.004)
    assert drawn[0].startswith("loss 1.25 lr 0.004 ")
    assert caplog.messages == []


def model(tied: bool) -> Qwen3ForCausalLM:
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "head_dim": 8,
    }
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=50, num_key_value_heads=2, tie_word_embeddings=tied, **sizes))


def test_operations_are_six_per_weight_that_multiplies_and_learns():
    layer = 4 * 16 * 16 + 3 * 16 * 32 + 2 * 16 + 2 * 8  # attention, feed-forward, norms
    weights = layer + 16 + 50 * 16
    assert flops_per_token(model(tied=True)) == 6 * weights
    assert flops_per_token(model(tied=False)) == 6 * weights, "a table that looks up multiplies nothing"
    frozen = model(tied=True)
    frozen.model.layers.requires_grad_(False)
    assert flops_per_token(frozen) == 6 * weights - 2 * layer


def test_a_line_of_a_log():
    point = Told(step=400, max_steps=7000, time=0, loss=1.93, learning_rate=0.0039, tokens_per_second=17_800.4)
    assert point.line() == "step 400/7000 loss 1.93 lr 0.0039 17,800 tokens/s"
    whole = point.model_copy(update={"memory_gb": 0.94, "eta_seconds": 250.0, "mfu": 0.456})
    assert whole.line() == "step 400/7000 loss 1.93 lr 0.0039 17,800 tokens/s 0.9 GB mfu 46% eta 4m10s"
    assert [duration(seconds) for seconds in (0, 59.6, 250, 7500)] == ["0s", "1m00s", "4m10s", "2h05m"]


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
POINTS = st.builds(
    Told, step=st.integers(0), max_steps=st.integers(1), time=NUMBERS, loss=NUMBERS, tokens=st.integers(0)
)


@given(st.lists(POINTS, max_size=5), st.integers(0, 200))
def test_points_are_read_whole_however_the_file_is_caught(tmp_path_factory, points, cut):
    file = tmp_path_factory.mktemp("curve") / "run.jsonl"
    file.touch()
    for point in points:
        tell(file, point)
    written = file.read_bytes()
    file.write_bytes(written[:cut])
    first, offset = read_told(file, 0)
    file.write_bytes(written)
    rest, end = read_told(file, offset)
    assert first + rest == points
    assert end == len(written)


def test_a_loss_that_is_no_number_leaves_readable_json(tmp_path):
    tell(tmp_path / "run.jsonl", Told(step=1, max_steps=2, time=0, loss=float("nan"), eval_loss=1.0))
    assert json.loads((tmp_path / "run.jsonl").read_text())["loss"] is None
    assert read_told(tmp_path / "run.jsonl", 0)[0][0].metrics() == {"eval_loss": 1.0}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_the_matrix_rate_is_measured_once_and_moves_no_random_state():
    from ecom_llm.train.flops import matrix_rate

    torch.manual_seed(1)
    before = torch.cuda.get_rng_state()
    rate = matrix_rate(torch.device("cuda", 0))
    assert 1e12 < rate < 1e16
    assert matrix_rate(torch.device("cuda", 0)) == rate
    assert torch.equal(before, torch.cuda.get_rng_state())
