"""The peer `text-generation`: transformers' pipeline, greedy, its other settings at their defaults.

    python generate_pipeline.py INPUT PROMPTS BATCH_SIZE MAX_NEW_TOKENS THREADS

BATCH_SIZE 1 is the pipeline's default. Prompts go in as they stand in the input: it orders nothing. Prints one line of JSON:
seconds (of the clock and of the CPU), and the texts.
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline
from transformers.utils import logging


def main() -> None:
    """Generate and print."""
    place, number, batch_size, most = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(int(sys.argv[5]))
    tokenizer = AutoTokenizer.from_pretrained(place / "model")
    model = AutoModelForCausalLM.from_pretrained(place / "model", dtype="float32")
    write = pipeline("text-generation", model=model, tokenizer=tokenizer, device="cpu")
    prompts = json.loads((place / "prompts.json").read_text(encoding="utf-8"))[:number]
    given = {"do_sample": False, "max_new_tokens": most, "return_full_text": False, "batch_size": batch_size}
    write(prompts[:2], **given)
    began, busy = time.perf_counter(), time.process_time()
    found = write(prompts, **given)
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    print(
        json.dumps(
            {"seconds": seconds, "cpu_seconds": cpu, "texts": [one[0]["generated_text"].strip() for one in found]}
        )
    )


if __name__ == "__main__":
    main()
