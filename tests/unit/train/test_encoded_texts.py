"""Texts encoded once: the same tokens as in memory, kept whole or not at all, few of them, and read by nobody twice."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ecom_llm.records import Example
from ecom_llm.shards import read_records, write_records
from ecom_llm.train import encoded_texts, stage
from ecom_llm.train.encoded_texts import KEPT, EncodedTexts, encoded_batches, encoding_key, kept
from ecom_llm.train.model import new_tokenizer
from ecom_llm.train.stage import Shown, encoded_splits, times
from ecom_llm.write.encode import encode, encode_targets


@pytest.fixture
def examples(prepared) -> list[Example]:
    return list(read_records(prepared.split("train"), Example))


@pytest.fixture
def tokenizer(tiny_params, examples):
    return new_tokenizer(tiny_params.train, examples)


@pytest.mark.parametrize(("objective", "expected"), [("causal", encode), ("masked", encode_targets)])
def test_texts_come_back_as_they_were_encoded_whatever_the_batch(
    objective, expected, examples, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr(encoded_texts, "BATCH", 7)
    texts = kept(tmp_path, "key", encoded_batches(examples, tokenizer, objective))
    assert len(texts.batches) == -(-len(examples) // 7)
    assert list(texts) == expected(examples, tokenizer)
    assert texts.lengths("prompt", "completion").tolist() == [len(one) for one in texts]
    assert texts.lengths("completion").tolist() == [len(one.completion) for one in texts]
    assert [name for name, _ in texts.named()] == [one.id for one in examples]
    some = texts.taking(np.array([40, 3, 3]))
    assert list(some.named()) == [(examples[place].id, texts[place]) for place in (40, 3, 3)]
    assert some.lengths("prompt").tolist() == [len(texts[place].prompt) for place in (40, 3, 3)]


def test_no_text_is_no_error():
    texts = EncodedTexts([])
    assert (len(texts), list(texts), texts.lengths("prompt").tolist()) == (0, [], [])


def never() -> Iterator[pa.RecordBatch]:
    raise AssertionError("encoded a second time")
    yield


def test_a_second_reading_encodes_nothing(examples, tokenizer, tmp_path):
    first = kept(tmp_path, "key", encoded_batches(examples, tokenizer, "causal"))
    assert list(kept(tmp_path, "key", never())) == list(first)
    with pytest.raises(AssertionError, match="a second time"):
        kept(tmp_path, "other", never())


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_file_cut_short_is_encoded_again(size, examples, tokenizer, tmp_path):
    first = kept(tmp_path, "key", encoded_batches(examples, tokenizer, "causal"))
    wanted, path = list(first), tmp_path / "key.arrow"
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:size])
    assert list(kept(tmp_path, "key", encoded_batches(examples, tokenizer, "causal"))) == wanted
    assert path.read_bytes() == whole


def test_what_was_broken_off_leaves_no_file_and_is_removed_by_the_next(examples, tokenizer, tmp_path):
    def broken_off() -> Iterator[pa.RecordBatch]:
        yield from encoded_batches(examples, tokenizer, "causal")
        raise KeyboardInterrupt

    root = tmp_path / "tokens"
    with pytest.raises(KeyboardInterrupt):
        kept(root, "key", broken_off())
    assert not list(root.glob("*.arrow"))
    kept(root, "other", encoded_batches(examples, tokenizer, "causal"))
    assert {path.name for path in root.iterdir()} == {"lock", "other.arrow"}


def test_few_files_stay_and_one_that_is_open_stays_readable(examples, tokenizer, tmp_path):
    first = kept(tmp_path, "0", encoded_batches(examples, tokenizer, "causal"))
    for number in range(1, KEPT + 1):
        if number == KEPT:
            kept(tmp_path, "1", never())  # used again, so it is not the oldest
        kept(tmp_path, str(number), encoded_batches(examples[:1], tokenizer, "causal"))
    assert {path.stem for path in tmp_path.glob("*.arrow")} == {"1", "3", "4", "2"}
    assert list(first) == encode(examples, tokenizer)


def test_the_key_tells_data_tokenizer_and_objective_apart_and_nothing_else(prepared, examples, tiny_params, tokenizer):
    folder = prepared.split("train")
    key = encoding_key([folder], tokenizer, "causal")
    other = new_tokenizer(tiny_params.train.model_copy(update={"vocab_size": 390}), examples)
    assert encoding_key([folder], new_tokenizer(tiny_params.train, examples), "causal") == key
    assert encoding_key([folder], other, "causal") != key
    assert encoding_key([folder], tokenizer, "masked") != key
    template, tokenizer.chat_template = tokenizer.chat_template, tokenizer.chat_template.replace("user", "human")
    assert encoding_key([folder], tokenizer, "causal") != key
    tokenizer.chat_template = template
    write_records(folder, Example, examples[:-1])
    assert encoding_key([folder], tokenizer, "causal") != key


def test_a_text_is_shown_as_often_as_its_weight_says(prepared, examples, tiny_params, tokenizer):
    weighted = [
        one.model_copy(update={"weight": weight}) for one, weight in zip(examples, [2.5, 0.3] * 50, strict=True)
    ]
    write_records(prepared.split("train"), Example, weighted)
    shown = list(Shown(prepared.split("train"), 1))
    assert {shown.count(one) for one in weighted[::2]} == {2, 3}
    assert {shown.count(one) for one in weighted[1::2]} == {0, 1}
    assert len(shown) == sum(times(one.id, one.weight, 1) for one in weighted)
    texts = encoded_splits(tiny_params.train, prepared, tokenizer)["train"]
    assert [name for name, _ in texts.named()] == [one.id for one in shown]
    assert list(texts) == encode(shown, tokenizer)


def test_a_second_training_on_the_same_data_encodes_nothing(prepared, tiny_params, monkeypatch):
    stage.run(tiny_params, prepared)
    weights = (prepared.model / "model.safetensors").read_bytes()
    assert len(list(prepared.tokens.glob("*.arrow"))) == 1
    encoded: list[Path] = []
    monkeypatch.setattr(encoded_texts, "write_whole", lambda path, batches: encoded.append(path))
    stage.run(tiny_params, prepared)
    assert (encoded, (prepared.model / "model.safetensors").read_bytes()) == ([], weights)
