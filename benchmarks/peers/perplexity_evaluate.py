"""The peer `perplexity`: what evaluate-metric/perplexity of the Hub computes, as its published source does it.

The `evaluate` package holds no metric: `evaluate.load("perplexity")` fetches the script from the Hub, and benchmarks run
offline. So this file computes the same by the same steps and at the same defaults: every text padded to the longest of all of
them, batches in the order given, the logits of every place, `CrossEntropyLoss(reduction="none")` over the transposed logits,
the exponential of each text's mean, the mean of those. The script loads model and tokenizer inside `compute`; here they are
loaded before the clock starts. `add_start_token` is off: the model has no such token. The tokenizer pads on the right, as the
script needs it to: on the left it would score the first token after padding.

    python perplexity_evaluate.py INPUT BATCH_SIZE THREADS

Prints one line of JSON: seconds (of the clock and of the CPU), and the perplexity of each text.
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase


def perplexities(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[str], batch_size: int
) -> list[float]:
    """The perplexity of each text, its first token not scored."""
    encodings = tokenizer(
        texts,
        add_special_tokens=False,
        padding=True,
        truncation=False,
        return_tensors="pt",
        return_attention_mask=True,
    )
    loss = torch.nn.CrossEntropyLoss(reduction="none")
    found: list[float] = []
    for start in range(0, len(texts), batch_size):
        ids = encodings["input_ids"][start : start + batch_size]
        mask = encodings["attention_mask"][start : start + batch_size]
        with torch.no_grad():
            logits = model(ids, attention_mask=mask).logits
        logits, labels, counted = logits[:, :-1].contiguous(), ids[:, 1:].contiguous(), mask[:, 1:].contiguous()
        nats = loss(logits.transpose(1, 2), labels) * counted
        found += torch.exp(nats.sum(1) / counted.sum(1)).tolist()
    return found


def main() -> None:
    """Compute and print."""
    place, batch_size = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(int(sys.argv[3]))
    tokenizer = AutoTokenizer.from_pretrained(place / "model", padding_side="right")
    model = AutoModelForCausalLM.from_pretrained(place / "model", dtype="float32").eval()
    texts = json.loads((place / "texts.json").read_text(encoding="utf-8"))
    perplexities(model, tokenizer, texts[:batch_size], batch_size)
    began, busy = time.perf_counter(), time.process_time()
    found = perplexities(model, tokenizer, texts, batch_size)
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - busy}
    print(json.dumps({**took, "perplexities": found}))


if __name__ == "__main__":
    main()
