"""The train stage keeps what training holds with the model, where it is asked to."""

import pytest

from ecom_llm.train.stage import run
from ecom_llm.write.copies import load


@pytest.mark.parametrize("words", [0, 4])
def test_a_model_keeps_what_training_holds_where_it_is_asked_to(prepared, tiny_params, words):
    train = tiny_params.train.model_copy(update={"copied_words": words, "max_steps": 1})
    run(tiny_params.model_copy(update={"train": train}), prepared)
    found = load(prepared.model)
    assert (found.longest if found else 0) == words
