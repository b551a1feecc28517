"""Tokenizer and encoding: nothing is lost, and the loss sees the completion alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from ecom_llm.records import Example
from ecom_llm.skills.slots import EVERY
from ecom_llm.train.batching import IGNORE_INDEX, Completions, LeftPadded
from ecom_llm.train.tokenizer import PLAIN_TEMPLATE, train_tokenizer
from ecom_llm.write.encode import encode, shown_text, slotting_of

TOKENIZER = train_tokenizer(["A red dress, 1.5 kg.", "一款红色的连衣裙。", "colour: red"], 350)


def described(text: str, value: str = "red") -> Example:
    return Example(
        id="1",
        skill="describe",
        locale="en",
        attributes={"colour": value},
        target=text,
        product="1",
        group="1",
        source="t:1",
    )


@given(st.text())
def test_every_text_survives_the_tokenizer(text):
    ids = TOKENIZER(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert TOKENIZER.decode(ids, clean_up_tokenization_spaces=False) == text


def test_a_han_character_is_never_merged_with_its_neighbour():
    joined = train_tokenizer(["红色的连衣裙"] * 50, 400).tokenize("红色的连衣裙")
    assert len(joined) == 6


def test_the_completion_starts_where_the_assistant_speaks_and_ends_with_the_end():
    one = encode([described("A red dress.")], TOKENIZER)[0]
    assert TOKENIZER.decode(one.prompt).endswith("colour: red<|assistant|>")
    assert TOKENIZER.decode(one.completion) == "A red dress.<|end|>"


def test_a_template_that_rewrites_the_prompt_is_refused():
    broken = train_tokenizer(["red"], 300)
    broken.chat_template = "{{ messages | length }}"
    with pytest.raises(ValueError, match="chat template"):
        encode([described("A red dress.")], broken)


def test_a_checkpoint_without_template_gets_a_plain_one():
    plain = train_tokenizer(["red"], 300)
    plain.chat_template = PLAIN_TEMPLATE
    one = encode([described("A red dress.")], plain)[0]
    assert plain.decode(one.completion) == "A red dress.<|end|>"


def test_a_batch_is_padded_on_the_left_and_learns_completions_alone():
    data = Completions(encode([described("A red dress."), described("A dress that is red.", "navy blue")], TOKENIZER))
    batch = LeftPadded(TOKENIZER.pad_token_id)([data[0], data[1]])
    for row, one in enumerate(data.encoded):
        kept = batch["input_ids"][row][batch["attention_mask"][row] == 1]
        learned = batch["labels"][row][batch["labels"][row] != IGNORE_INDEX]
        assert kept.tolist() == one.prompt + one.completion
        assert learned.tolist() == one.completion
        assert batch["position_ids"][row, -1] == len(one) - 1
    assert batch["logits_to_keep"] == 16  # of 14: the longest completion and the position before it


def test_a_model_with_slots_learns_names_and_shows_values():
    slotted = train_tokenizer(["⟦colour⟧ red"], 350)
    slotted.init_kwargs["slots"] = True
    one = described("A red dress.")
    assert slotted.decode(encode([one], slotted)[0].completion) == "A ⟦colour⟧ dress.<|end|>"
    assert shown_text("A ⟦colour⟧ dress.", one, slotting_of(slotted)) == "A red dress."
    assert shown_text("A ⟦colour⟧ dress.", one, slotting_of(TOKENIZER)) == "A ⟦colour⟧ dress."


def test_slots_are_saved_with_the_tokenizer(tmp_path):
    slotted = train_tokenizer(["red"], 300)
    slotted.init_kwargs["slots"] = True
    slotted.save_pretrained(tmp_path)
    assert slotting_of(AutoTokenizer.from_pretrained(tmp_path)) == EVERY
