"""The benchmarks' own side: inputs laid out from a workspace, and programs that read them, as a target takes minutes to do."""

import json
import sys

import pytest
import torch
import yaml

from benchmarks import evaluation_input, evaluation_ours, training, training_ours
from ecom_llm.params import Params
from ecom_llm.records import Example
from ecom_llm.shards import read_records, write_records
from ecom_llm.train.model import model_and_tokenizer


@pytest.fixture
def without_slots(tiny_params: Params) -> Params:
    """As in the benchmarks: peers have no slots."""
    return tiny_params.model_copy(update={"train": tiny_params.train.model_copy(update={"slots": False})})


def said(monkeypatch, capsys, program, *words) -> dict:
    """Run a benchmark's program in this process and read its last line."""
    monkeypatch.setattr(sys, "argv", ["program", *map(str, words)])
    threads = torch.get_num_threads()
    try:
        program.main()
    finally:
        torch.set_num_threads(threads)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_training_s_input_is_what_our_side_trains_on(prepared, without_slots, tmp_path, monkeypatch, capsys):
    training.write_input(tmp_path, prepared, without_slots)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(without_slots.model_dump(mode="json"), allow_unicode=True))
    texts = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(texts) == 100
    first = next(read_records(prepared.split("train"), Example))
    assert first.target in texts[0]["completion"] and "navy" not in texts[0]["prompt"] + texts[0]["completion"]
    assert json.loads((tmp_path / "arguments.json").read_text())["per_device_train_batch_size"] == 8

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run = said(monkeypatch, capsys, training_ours, tmp_path, tmp_path / "out", 2, 2)
    assert run["tokens"] > 2 * 8 and [saved["step"] for saved in run["saved"]] == [1, 2]
    points = training.curve(run, tmp_path, without_slots)
    assert [seconds for seconds, _ in points] == sorted(seconds for seconds, _ in points)
    assert all(4 < loss < 7 for _, loss in points)  # an untrained model of 400 tokens knows nothing: ln 400 is 5.99


def test_evaluation_s_input_is_what_our_side_scores_and_continues(
    prepared, without_slots, tmp_path, monkeypatch, capsys
):
    examples = list(read_records(prepared.split("train"), Example))
    title = examples[0].model_copy(update={"id": "recommend:en:0", "skill": "recommend"})
    write_records(prepared.split("test"), Example, [title, *examples[:8]])
    for part in model_and_tokenizer(without_slots.train, examples, prepared.workspace):
        part.save_pretrained(prepared.model)
    evaluation_input.write_input(tmp_path, prepared, 8)
    strings = {name: json.loads((tmp_path / f"{name}.json").read_text("utf-8")) for name in ("texts", "prompts")}
    assert [len(found) for found in strings.values()] == [8, 8]
    assert not any(example.target in prompt for example in examples[:8] for prompt in strings["prompts"])
    assert all(any(text.startswith(prompt) for text in strings["texts"] if prompt) for prompt in strings["prompts"][:1])

    scored = said(monkeypatch, capsys, evaluation_ours, "perplexity", tmp_path, 4, 1)
    assert len(scored["perplexities"]) == 8 and all(100 < found < 1000 for found in scored["perplexities"])
    told = said(monkeypatch, capsys, evaluation_ours, "generate", tmp_path, 8, 4, 6, 1)
    assert len(told["texts"]) == 8

    with pytest.raises(SystemExit, match="9 prompts are wanted, and it holds 8"):
        evaluation_input.write_input(tmp_path, prepared, 9)
