"""Masked training: what is hidden, how it is counted, that a kill changes nothing, and what is refused."""

import math
from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
)

from ecom_llm.params import Params, validate
from ecom_llm.records import Example, UserError
from ecom_llm.shards import read_records, write_records
from ecom_llm.train import stage
from ecom_llm.train.batching import CompletionLoss, GroupedByLength, summed_loss
from ecom_llm.train.masked import MaskedTexts, Placed, RightPadded
from ecom_llm.train.masked_model import new_masked_model
from ecom_llm.train.stage import run
from ecom_llm.train.tokenizer import train_masked_tokenizer
from ecom_llm.train.trainer import validation_loss
from ecom_llm.write.encode import Encoded, encode_targets
from ecom_llm.write.reach import longest_input

TEXTS = ["A red dress, number 1.", "A navy blue lamp with a long, long cord.", "一款红色的连衣裙。", "Green."]


def changed(params: Params, **values: object) -> Params:
    tree = params.model_dump()
    tree["train"] |= values
    return validate(tree, "test")


@pytest.fixture
def masked_params(tiny_params: Params) -> Params:
    return changed(tiny_params, objective="masked", max_length=64, learning_rate=0.003)


@pytest.fixture(scope="module")
def tokenizer():
    return train_masked_tokenizer(TEXTS * 3, 320)


def texts_of(tokenizer, texts: list[str], probability: float = 0.15) -> MaskedTexts:
    encoded = [Encoded([], ids) for ids in tokenizer(texts)["input_ids"]]
    return MaskedTexts(encoded, tokenizer, probability, seed=3)


def test_the_tokenizer_frames_texts_as_bert_does_and_comes_back_from_its_folder(tokenizer, tmp_path):
    new_masked_model(tokenizer, changed_sizes()).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        ids = again(text)["input_ids"]
        assert ids == tokenizer(text)["input_ids"]
        assert (ids[0], ids[-1]) == (again.cls_token_id, again.sep_token_id)
        assert again.decode(ids, skip_special_tokens=True) == text
    assert again.mask_token == "[MASK]" and again.pad_token == "[PAD]"


def changed_sizes():
    from ecom_llm.params import load_params

    train = load_params(Path(__file__).parents[3] / "params.yaml").train
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    return train.model_copy(update={**small, "max_length": 64, "objective": "masked"})


def test_the_pretraining_recipe_is_berts(tokenizer):
    """15 % of the tokens; of these four in five are [MASK], one in ten another token; special ones never."""
    data = texts_of(tokenizer, ["number " * 30] * 300)
    shown, hidden = zip(*((one["input_ids"], one["labels"]) for one in map(data.__getitem__, range(300))), strict=True)
    shown, hidden = torch.cat(shown), torch.cat(hidden)
    chosen = hidden != -100
    assert chosen.sum() / (data.learned * 300) == pytest.approx(1, abs=0.05)
    assert (shown[chosen] == tokenizer.mask_token_id).float().mean() == pytest.approx(0.8, abs=0.04)
    assert (shown[chosen] == hidden[chosen]).float().mean() == pytest.approx(0.1, abs=0.04)
    original = torch.cat([torch.tensor(one.completion) for one in data.encoded])
    assert (shown[~chosen] == original[~chosen]).all() and (hidden[chosen] == original[chosen]).all()
    assert not set(hidden.tolist()) & set(tokenizer.all_special_ids)


@settings(deadline=None)  # its first call builds what the others find built
@given(st.integers(0, 10**9), st.integers(0, 3))
def test_a_mask_follows_from_the_text_and_its_place_alone(tokenizer, place, text):
    one, other = (texts_of(tokenizer, TEXTS, 0.5) for _ in range(2))
    one[0, 17], other[1, 5]  # what was drawn before makes no difference
    for name in ("input_ids", "labels"):
        assert torch.equal(one[text, place][name], other[text, place][name])


def test_a_text_shown_again_is_masked_elsewhere():
    lengths = [5] * 10
    order = Placed(GroupedByLength(lengths, 4, seed=1))
    first = list(order)
    order.set_epoch(1)
    places = [place for _, place in [*first, *order]]
    assert len(order) == 12 and places == list(range(24))


def test_labels_stand_where_the_loss_looks_for_them(tokenizer):
    """Against the definition: the cross-entropy at each masked token, every text alone."""
    data = texts_of(tokenizer, TEXTS, 0.5)
    model = new_masked_model(tokenizer, changed_sizes()).eval()
    batch = RightPadded(tokenizer.pad_token_id, 64)([data[index] for index in range(len(TEXTS))])
    assert batch["input_ids"].shape[1] % 8 == 0
    labels = batch.pop("labels")
    alone = 0.0
    for one in map(data.__getitem__, range(len(TEXTS))):
        logits = model(one["input_ids"][None]).logits[0]
        alone += torch.nn.functional.cross_entropy(logits, one["labels"], reduction="sum").item()
    assert summed_loss(model(**batch).logits, labels).item() == pytest.approx(alone, rel=1e-5)
    assert CompletionLoss(7)(model(**batch), labels).item() == pytest.approx(alone / 7, rel=1e-5)
    for size in (1, 3):
        loss = validation_loss(model, data, RightPadded(tokenizer.pad_token_id, 64), size)
        assert loss == pytest.approx(alone / (labels != -100).sum().item(), rel=1e-5)


def weights(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def frequency_loss(train: MaskedTexts, data: MaskedTexts) -> float:
    """Nats per masked token for who knows how frequent each token is, and nothing of the text around it."""
    counts = Counter(token for one in train.encoded for token in one.completion[1:-1])
    hidden = torch.cat([data[index]["labels"] for index in range(len(data))])
    asked = [token for token in hidden.tolist() if token != -100]
    return -sum(math.log((counts[token] + 1) / (counts.total() + 400)) for token in asked) / len(asked)


def test_a_masked_model_learns_what_frequency_does_not_tell_and_is_saved_whole(prepared, masked_params):
    run(changed(masked_params, max_steps=120, learning_rate=0.01, initializer_range=0.2), prepared)
    model = AutoModelForMaskedLM.from_pretrained(prepared.model)
    tokenizer = AutoTokenizer.from_pretrained(prepared.model)
    assert model.config.architectures == ["ModernBertForMaskedLM"]
    train, data = (
        MaskedTexts(encode_targets(read_records(prepared.split(split), Example), tokenizer), tokenizer, 0.15, seed=1)
        for split in ("train", "validation")
    )
    loss = validation_loss(model, data, RightPadded(tokenizer.pad_token_id, 64), 8)
    assert loss < frequency_loss(train, data) - 0.2
    losses = [float(row.split(",")[2]) for row in prepared.curve.read_text().splitlines()[1:] if row.split(",")[2]]
    assert losses[-1] < losses[0]
    assert not list(prepared.checkpoints.glob("*/checkpoint-*"))


def stopped_at(params: Params, layout, monkeypatch, step: int) -> None:
    """Train until a checkpoint later than `step` is being written, as a kill would leave it."""
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step >= step:
                raise KeyboardInterrupt

    whole = stage.new_trainer

    def stopping(*arguments):
        trainer = whole(*arguments)
        trainer.add_callback(Stop())
        return trainer

    with monkeypatch.context() as patched:
        patched.setattr(stage, "new_trainer", stopping)
        with pytest.raises(KeyboardInterrupt):
            run(params, layout)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_killed_training_ends_in_the_same_bytes(prepared, masked_params, monkeypatch, accumulation):
    """100 texts in batches of 8: the kill falls into the second epoch, in the middle of its order."""
    params = changed(masked_params, gradient_accumulation_steps=accumulation)
    run(params, prepared)
    wanted, curve = weights(prepared.model), prepared.curve.read_bytes()
    stopped_at(params, prepared, monkeypatch, 18)
    assert [path.name for path in prepared.checkpoints.glob("*/checkpoint-15")] == ["checkpoint-15"]
    run(params, prepared)
    assert weights(prepared.model) == wanted and prepared.curve.read_bytes() == curve


def test_a_step_is_the_same_whatever_it_is_split_into(prepared, masked_params):
    """The loss is nats per masked token: 8 texts at once, or 4 times 2."""
    found = []
    for size, accumulation in ((8, 1), (2, 4)):
        split = {"per_device_train_batch_size": size, "gradient_accumulation_steps": accumulation, "max_steps": 5}
        run(changed(masked_params, **split), prepared)
        found.append(AutoModelForMaskedLM.from_pretrained(prepared.model).state_dict())
    for name, value in found[0].items():
        assert torch.allclose(value, found[1][name], atol=2e-4), name


SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 66,
}


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: BertForMaskedLM(BertConfig(vocab_size=rows, **SIZES)),
        lambda rows: RobertaForMaskedLM(RobertaConfig(vocab_size=rows, **SIZES, pad_token_id=0, type_vocab_size=1)),
        lambda rows: ModernBertForMaskedLM(ModernBertConfig(vocab_size=rows, **SIZES, pad_token_id=0)),
    ],
    ids=["bert", "roberta", "modernbert"],
)
def test_a_checkpoint_of_another_family_is_trained_further(prepared, masked_params, tokenizer, tmp_path, make):
    make(len(tokenizer)).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    further = changed(
        masked_params, init="checkpoint", base_model=str(tmp_path / "base"), max_steps=4, per_device_train_batch_size=4
    )
    run(further, prepared)
    assert len(AutoTokenizer.from_pretrained(prepared.model)) == len(tokenizer)


def test_positions_behind_the_paddings_are_counted(tokenizer):
    roberta = RobertaForMaskedLM(RobertaConfig(vocab_size=len(tokenizer), **SIZES, pad_token_id=1))
    assert longest_input(roberta) == 64
    assert longest_input(new_masked_model(tokenizer, changed_sizes())) == 64


def test_a_causal_checkpoint_and_a_tokenizer_without_mask_are_refused(prepared, tiny_params, masked_params, tmp_path):
    run(changed(tiny_params, max_steps=1), prepared)
    again = changed(masked_params, init="checkpoint", base_model=str(prepared.model))
    with pytest.raises(UserError, match=r"Qwen3ForCausalLM is no masked language model"):
        run(again, prepared)
    causal = AutoTokenizer.from_pretrained(prepared.model)
    RobertaForMaskedLM(RobertaConfig(vocab_size=len(causal), **SIZES)).save_pretrained(tmp_path / "base")
    causal.save_pretrained(tmp_path / "base")
    with pytest.raises(UserError, match="its tokenizer has no mask_token, so a masked model cannot learn with it"):
        run(changed(again, base_model=str(tmp_path / "base")), prepared)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"packing": True}, "objective masked goes without packing, found true: set it to false"),
        ({"lora_r": 4, "init": "checkpoint"}, "objective masked goes without lora_r, found 4: set it to 0"),
    ],
)
def test_what_does_not_go_with_masks_is_refused(masked_params, values, said):
    with pytest.raises(UserError, match=said):
        changed(masked_params, **values)


def test_validation_texts_without_a_mask_are_refused(prepared, masked_params):
    short = next(iter(read_records(prepared.split("validation"), Example))).model_copy(update={"target": "A"})
    write_records(prepared.split("validation"), Example, [short])
    with pytest.raises(UserError, match="of 1 validation texts no token is masked"):
        run(changed(masked_params, mlm_probability=0.001), prepared)
