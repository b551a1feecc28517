"""The tiny model of the tests of writing, which is measured here."""

from tests.unit.write.conftest import (
    described,
    make_example,
    model,
    model_folder,
    one_thread,
    params,
    tokenizer,
)

__all__ = ["described", "make_example", "model", "model_folder", "one_thread", "params", "tokenizer"]
