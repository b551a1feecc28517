"""The smoke test of a champion: load what is served and let it write. `python -m ecom_llm.serve.smoke`, asked by JSON on stdin.

A process of its own, so that memory and crashes end with it, and whoever asks loads no torch.
"""

import gc
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ecom_llm.records import Record, UserError
from ecom_llm.write.decoding import Decoding


class Asked(Record):
    """What is to be tried."""

    model: Path
    """The version's model folder."""
    decoding: Decoding
    """As it is served."""
    masked: bool
    """Whether it writes nothing: then it is loaded, and finds a text likely or not."""
    prompts: tuple[tuple[str, str, dict[str, str]], ...]
    """(skill, locale, attributes) of test examples; of a masked model each attribute is a text."""


def write_all(asked: Asked) -> Sequence[str]:
    """What is served for each prompt, in its order."""
    from ecom_llm.serve.write import asked as example
    from ecom_llm.serve.write import load_writer

    examples = [example(*prompt) for prompt in asked.prompts]
    return load_writer(asked.model, device="auto", decoding=asked.decoding).write(examples)


def finite(asked: Asked) -> bool:
    """Whether a masked model's scores of a text are numbers."""
    import torch

    from ecom_llm.evaluate.loading import load_masked, pick_device

    model, tokenizer = load_masked(asked.model, pick_device("auto"))
    text = next((value for _, _, values in asked.prompts for value in values.values()), "text")
    inputs = tokenizer(text, return_tensors="pt", truncation=True).to(model.device)
    with torch.inference_mode():
        return bool(torch.isfinite(model(**inputs).logits).all())


def unfit(asked: Asked) -> str:
    """Why a model is not fit to serve; empty if it is. That it writes well, the gate has seen to.

    Raises:
        UserError: it cannot be loaded, or not be asked.
    """
    if asked.masked:
        return "" if finite(asked) else "its scores of a text are no numbers"
    told = [
        (says_something(text, *prompt[:2]), prompt[0])
        for text, prompt in zip(write_all(asked), asked.prompts, strict=True)
    ]
    # titles of items are looked up, and not written
    written = [said for said, skill in told if skill != "recommend"] or [said for said, _ in told]
    return "" if any(written) or not written else "it writes nothing"


def says_something(text: str, skill: str, locale: str) -> bool:
    """Whether there is a word in a text beside the label that its skill puts before it."""
    from ecom_llm.skills import SKILLS

    return any(character.isalnum() for character in text.removeprefix(SKILLS[skill].finish("", locale).strip()))


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    gc.disable()  # looking for garbage among what is being imported takes a sixth of the time
    import ecom_llm.evaluate.loading  # noqa: F401  torch is loaded before anything is asked, while whoever asks does other work

    gc.enable()
    try:
        said = unfit(Asked.model_validate_json(sys.stdin.read()))
    except UserError as error:
        said = str(error)
    print(json.dumps({"unfit": said}), flush=True)
    os._exit(0)  # to take torch and the model apart would keep whoever asks waiting for seconds
