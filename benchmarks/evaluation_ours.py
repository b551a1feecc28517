"""Our side of benchmarks/evaluation.py, a process like the peers': evaluate's own functions on the same input.

    python -m benchmarks.evaluation_ours perplexity INPUT BATCH_SIZE THREADS
    python -m benchmarks.evaluation_ours generate INPUT PROMPTS BATCH_SIZE MAX_NEW_TOKENS THREADS

The clock starts, as the peers' does, with model and tokenizer loaded and strings in hand.
"""

import json
import sys
import time
from math import exp
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.evaluate.loading import load_model
from ecom_llm.write.choosing import Choice
from ecom_llm.write.continuing import continuations
from ecom_llm.write.encode import Encoded
from ecom_llm.write.generation import decode, limits
from ecom_llm.write.likelihood import score


def perplexities(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[str], batch_size: int
) -> list[float]:
    """The perplexity of each text: its first token is a prompt, as `evaluate` has it where no start token is added."""
    encoded = [Encoded(ids[:1], ids[1:]) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
    return [exp(one.nats / one.tokens) for one in score(model, encoded, tokenizer.pad_token_id, batch_size)]


def generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[str], batch_size: int, most: int
) -> list[str]:
    """A greedy text behind each prompt."""
    encoded = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    found = continuations(
        model,
        encoded,
        Choice(),
        limits=limits(model, encoded, most),
        ends=[tokenizer.eos_token_id],
        pad_token_id=tokenizer.pad_token_id,
        batch_size=batch_size,
    )
    return [decode(tokenizer, one.tokens) for one in found]


def main() -> None:
    """Measure one thing and print it as the peers do."""
    what, place, *numbers = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
    torch.set_num_threads(numbers[-1])
    model, tokenizer = load_model(place / "model", torch.device("cpu"))
    strings = json.loads((place / ("texts.json" if what == "perplexity" else "prompts.json")).read_text("utf-8"))
    if what == "perplexity":
        perplexities(model, tokenizer, strings[:2], numbers[0])
        began, busy = time.perf_counter(), time.process_time()
        told = {"perplexities": perplexities(model, tokenizer, strings, numbers[0])}
    else:
        generate(model, tokenizer, strings[:2], 2, numbers[2])
        began, busy = time.perf_counter(), time.process_time()
        told = {"texts": generate(model, tokenizer, strings[: numbers[0]], numbers[1], numbers[2])}
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - busy}
    print(json.dumps({**took, **told}))


if __name__ == "__main__":
    main()
