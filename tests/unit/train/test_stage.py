"""The train stage: its losses, its determinism, its resumption after a kill, and what it refuses."""

import csv
import hashlib
import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ecom_llm.layout import Layout
from ecom_llm.params import Params, validate
from ecom_llm.records import Example, UserError
from ecom_llm.shards import read_records, write_records
from ecom_llm.train.batching import CompletionLoss, Completions, LeftPadded
from ecom_llm.train.stage import run
from ecom_llm.train.trainer import validation_loss
from ecom_llm.write.encode import encode

REPO = Path(__file__).parents[3]
GOLDEN = REPO / "tests" / "golden" / "train_losses.json"


def changed(params: Params, **values: object) -> Params:
    tree = params.model_dump()
    tree["train"] |= values
    return validate(tree, "test")


def fingerprint(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def curve(layout: Layout) -> list[dict[str, str]]:
    with layout.curve.open() as handle:
        return list(csv.DictReader(handle))


def test_twenty_steps_give_the_golden_losses_and_leave_no_checkpoint(prepared, tiny_params):
    run(tiny_params, prepared)
    losses = [float(row[name]) for row in curve(prepared) for name in ("loss", "eval_loss") if row[name]]
    assert losses == pytest.approx(json.loads(GOLDEN.read_text()), abs=1e-4)
    assert not list(prepared.checkpoints.glob("*/checkpoint-*"))
    assert not [name for name in fingerprint(prepared.model) if name.endswith((".bin", ".pt", ".pkl"))]


def test_the_written_model_has_the_loss_of_the_curve_for_every_batch_size(prepared, tiny_params):
    run(tiny_params, prepared)
    model = AutoModelForCausalLM.from_pretrained(prepared.model)
    tokenizer = AutoTokenizer.from_pretrained(prepared.model)
    data = Completions(encode(read_records(prepared.split("validation"), Example), tokenizer))
    losses = [validation_loss(model, data, LeftPadded(tokenizer.pad_token_id), size) for size in (1, 7, 32)]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-5)


def test_the_loss_is_that_of_the_model_on_each_text_alone(prepared, tiny_params):
    run(changed(tiny_params, max_steps=1), prepared)
    model = AutoModelForCausalLM.from_pretrained(prepared.model)
    tokenizer = AutoTokenizer.from_pretrained(prepared.model)
    data = Completions(encode(list(read_records(prepared.split("validation"), Example))[:5], tokenizer))
    total = count = 0.0
    for one in data.encoded:
        ids = torch.tensor([one.prompt + one.completion])
        logits = model(ids).logits[0, len(one.prompt) - 1 : -1]
        total += torch.nn.functional.cross_entropy(logits, torch.tensor(one.completion), reduction="sum").item()
        count += len(one.completion)
    batch = LeftPadded(tokenizer.pad_token_id)([data[index] for index in range(5)])
    labels = batch.pop("labels")
    assert CompletionLoss(count)(model(**batch), labels).item() == pytest.approx(total / count, abs=1e-5)


def test_a_trained_folder_can_be_fine_tuned(prepared, tiny_params):
    run(tiny_params, prepared)
    base = prepared.model.rename(prepared.model.with_name("base"))
    run(changed(tiny_params, init="checkpoint", base_model=str(base), learning_rate=1e-4), prepared)
    first = next(float(row["loss"]) for row in curve(prepared) if row["loss"])
    assert first < json.loads(GOLDEN.read_text())[0]
    assert fingerprint(prepared.model)["tokenizer.json"] == fingerprint(base)["tokenizer.json"]


def test_the_logged_loss_is_that_of_its_tokens_whatever_their_number(prepared, tiny_params):
    """A model that learns nothing has one loss per token, in steps of long texts and in steps of short ones."""
    run(changed(tiny_params, learning_rate=1e-9, logging_steps=1, max_steps=20), prepared)
    losses = [float(row["loss"]) for row in curve(prepared) if row["loss"]]
    assert len(losses) == 20
    assert max(losses) < 1.05 * min(losses)


def test_a_folder_without_checkpoint_is_refused(prepared, tiny_params):
    with pytest.raises(UserError, match=r"holds no Hugging Face checkpoint.*train\.init=scratch"):
        run(changed(tiny_params, init="checkpoint", base_model="models"), prepared)


def test_a_damaged_checkpoint_is_refused(prepared, tiny_params):
    run(changed(tiny_params, max_steps=1), prepared)
    weights = prepared.model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="is damaged or cut short"):
        run(changed(tiny_params, init="checkpoint", base_model=str(prepared.model)), prepared)


def test_nothing_that_fits_is_refused(prepared, tiny_params):
    with pytest.raises(UserError, match=r"none of the 100 train examples fits into train\.max_length 16"):
        run(changed(tiny_params, max_length=16), prepared)
    assert not prepared.model.exists()


def test_a_split_of_which_too_much_is_too_long_is_refused_and_a_sample_of_validation_is_not(prepared, tiny_params):
    """A few long texts among twelve watched ones say nothing of the data; among the training texts they do."""
    texts = list(read_records(prepared.split("validation"), Example))
    long = texts[0].model_copy(update={"target": "A very long text. " * 100, "id": "long"})
    write_records(prepared.split("validation"), Example, [long, *texts[:5]])
    run(changed(tiny_params, max_steps=1, max_left_out=0.05), prepared)
    train = list(read_records(prepared.split("train"), Example))
    write_records(prepared.split("train"), Example, [*train[:10], long])
    with pytest.raises(UserError, match=r"1 of 11 train examples \(9\.1%\) are longer than train.max_length 320"):
        run(changed(tiny_params, max_steps=1, max_left_out=0.05), prepared)
