"""Exactness of training, measured: `python -m proofs.exactness`.

Packed texts and padded texts against each text alone; one batch against four accumulated ones and against two processes;
masked prompts against no prompts. Every measurement is made a second time with the fault in place that it is there to
find: one that does not see its fault has failed too.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3Config,
    logging,
    set_seed,
)

from ecom_llm.train.batching import IGNORE_INDEX, Completions, LeftPadded, summed_loss
from ecom_llm.train.packing import Packed, best_fit_decreasing
from ecom_llm.write.encode import Encoded
from proofs.exactness_training import MODES, PAD, ROW, VOCABULARY, random_texts, trained

LOSS_BOUND, GRADIENT_BOUND, STEP_BOUND = 1e-5, 1e-4, 1e-5
VISIBLE = 10
"""A fault on purpose must show by this many times the bound."""
SIZES = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
WIDTHS = {"intermediate_size": 64, "num_key_value_heads": 2, "initializer_range": 0.2}
NO_DROPOUT = {"embd_pdrop": 0, "attn_pdrop": 0, "resid_pdrop": 0}
ARCHITECTURES: dict[str, Callable[[], PreTrainedConfig]] = {
    "qwen3": lambda: Qwen3Config(head_dim=16, **SIZES, **WIDTHS),
    "llama": lambda: LlamaConfig(**SIZES, **WIDTHS),
    "mistral, window 16": lambda: MistralConfig(sliding_window=16, head_dim=16, **SIZES, **WIDTHS),
    "gpt2": lambda: GPT2Config(**NO_DROPOUT, bos_token_id=None, eos_token_id=None, initializer_range=0.2, **SIZES),
}
Batch = dict[str, object]


class Check(NamedTuple):
    """A relative difference, what it may be at most, and what it is with the fault in place."""

    what: str
    measured: float
    bound: float
    fault: str
    with_fault: float

    @property
    def failed(self) -> bool:
        return not self.measured <= self.bound or not self.with_fault > (VISIBLE * self.bound or 1e-3)


class Learned(NamedTuple):
    """The summed loss in nats over some texts, and its gradients by weight."""

    loss: float
    gradients: dict[str, torch.Tensor]


def random_model(architecture: str, attention: str) -> PreTrainedModel:
    """A small model with random weights everywhere: with a projection of zeros, attention would not matter."""
    set_seed(1)
    return AutoModelForCausalLM.from_config(ARCHITECTURES[architecture](), attn_implementation=attention)


def learned(model: PreTrainedModel, losses: Iterator[torch.Tensor]) -> Learned:
    """Back-propagate each loss and sum."""
    model.zero_grad()
    total = 0.0
    for loss in losses:
        loss.backward()
        total += loss.item()
    weights = model.named_parameters()
    return Learned(total, {name: weight.grad.clone() for name, weight in weights if weight.grad is not None})


def alone(model: PreTrainedModel, texts: list[Encoded]) -> Iterator[torch.Tensor]:
    """The loss of each text by itself, from the definition: nothing of this is shared with the code under proof."""
    for text in texts:
        logits = model(torch.tensor([text.prompt + text.completion]), use_cache=False).logits[0]
        predicted = logits[len(text.prompt) - 1 : -1].log_softmax(dim=-1)
        yield -predicted.gather(1, torch.tensor(text.completion)[:, None]).sum()


def batched(
    model: PreTrainedModel, batches: list[Batch], **changed: Callable[[Batch], object]
) -> Iterator[torch.Tensor]:
    """The loss of each batch as training computes it, some of its inputs replaced by a fault."""
    for batch in batches:
        inputs = batch | {name: fault(batch) for name, fault in changed.items()}
        labels = inputs.pop("labels")
        yield summed_loss(model(**inputs).logits, labels)


def packed_batches(texts: list[Encoded]) -> list[Batch]:
    """The texts in rows, two rows to a batch."""
    data = Completions(texts)
    rows = [[data[place] for place in row] for row in best_fit_decreasing([len(text) for text in texts], ROW)]
    return [Packed(PAD, ROW)(rows[start : start + 2]) for start in range(0, len(rows), 2)]


def padded_batches(texts: list[Encoded]) -> list[Batch]:
    """The texts padded on the left, eight to a batch."""
    data = Completions(texts)
    starts = range(0, len(texts), 8)
    return [LeftPadded(PAD)([data[place] for place in range(start, min(start + 8, len(texts)))]) for start in starts]


def apart(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> float:
    """The largest difference of two tensors of one name, relative to the norm of the first."""
    assert one.keys() == two.keys()
    return max(((one[name] - two[name]).norm() / one[name].norm()).item() for name in one)


def ones(batch: Batch) -> torch.Tensor:
    """The fault: every token is shown to every later one."""
    return torch.ones_like(batch["input_ids"])


def against_alone(architecture: str, attention: str) -> Iterator[Check]:
    """Packed and padded batches against each text alone, in fp32."""
    texts, model = random_texts(24, seed=2), random_model(architecture, attention)
    wanted = learned(model, alone(model, texts))
    for way, batches in (("packed", packed_batches(texts)), ("padded", padded_batches(texts))):
        found = learned(model, batched(model, batches))
        wrong = learned(model, batched(model, batches, attention_mask=ones))
        for kind, bound in (("loss", LOSS_BOUND), ("gradients", GRADIENT_BOUND)):
            good, bad = (
                abs(some.loss / wanted.loss - 1) if kind == "loss" else apart(wanted.gradients, some.gradients)
                for some in (found, wrong)
            )
            name = f"{way} = each alone, {kind}: {architecture}, {attention}"
            yield Check(name, good, bound, "a mask of ones", bad)


def share_of_prompts(model: PreTrainedModel, text: Encoded, labels: torch.Tensor) -> float:
    """The largest gradient at logits that predict a prompt's token, relative to the largest of all."""
    logits = model(torch.tensor([text.prompt + text.completion]), use_cache=False).logits
    logits.retain_grad()
    summed_loss(logits, labels).backward()
    sizes = logits.grad[0].abs().amax(dim=-1)
    return (sizes[: len(text.prompt) - 1].max() / sizes.max()).item()


def masked_prompts() -> Iterator[Check]:
    """A prompt is read and not learned: its tokens give no gradient, and sparing their logits changes none."""
    texts, model = random_texts(24, seed=3), random_model("qwen3", "sdpa")
    data = Completions(texts)
    everything = [torch.tensor([text.prompt + text.completion]) for text in texts]
    masked = [LeftPadded(PAD)([data[place]])["labels"] for place in range(len(texts))]
    good, bad = (
        max(share_of_prompts(model, text, one) for text, one in zip(texts, labels, strict=True))
        for labels in (masked, everything)
    )
    yield Check("gradient of a prompt's tokens", good, 0, "labels unmasked", bad)
    batches = padded_batches(texts)
    kept = learned(model, batched(model, batches)).gradients
    full = learned(model, batched(model, batches, logits_to_keep=lambda batch: 0)).gradients
    unmasked = learned(model, batched(model, batches, logits_to_keep=lambda batch: 0, labels=seen_tokens)).gradients
    name = "logits of completions alone = all logits, gradients"
    yield Check(name, apart(full, kept), GRADIENT_BOUND, "labels unmasked", apart(full, unmasked))


def seen_tokens(batch: Batch) -> torch.Tensor:
    """The fault: labels on prompts too."""
    return torch.where(batch["attention_mask"] == 1, batch["input_ids"], IGNORE_INDEX)


def train_in(folder: Path, processes: int, batch_size: int, accumulation: int) -> Path:
    """Six optimizer steps through Trainer, here or in several processes; the folder of what came of them."""
    out = folder / f"{processes}-{batch_size}-{accumulation}"
    out.mkdir()
    if processes == 1:
        for mode in MODES:
            trained(out, mode, batch_size, accumulation)
        return out
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    module = ["-m", "proofs.exactness_training", str(out), str(batch_size), str(accumulation)]
    command = [sys.executable, *start, *module]
    quiet = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    told = subprocess.run(
        command, capture_output=True, text=True, env=quiet, cwd=Path(__file__).parents[1], timeout=240, check=False
    )
    if told.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{told.stderr[-4000:]}")
    return out


def steps_apart(one: Path, two: Path, mode: str) -> dict[str, float]:
    """How far two trainings are apart: gradients of the first and last step, weights and losses."""
    first, second = (load_file(folder / f"{mode}.safetensors") for folder in (one, two))
    kinds = sorted({name.split(":")[0] for name in first})
    found = {
        kind: apart(*({name: some[name] for name in some if name.startswith(kind)} for some in (first, second)))
        for kind in kinds
    }
    losses = (json.loads((folder / f"{mode}.json").read_text()) for folder in (one, two))
    return found | {"loss": max(abs(left / right - 1) for left, right in zip(*losses, strict=True))}


def same_steps(folder: Path) -> Iterator[Check]:
    """1 x 32 = 4 accumulated x 8 = 2 processes x 16, padded and packed."""
    whole = train_in(folder, processes=1, batch_size=32, accumulation=1)
    others = {
        "4 accumulated x 8": train_in(folder, processes=1, batch_size=8, accumulation=4),
        "2 processes x 16": train_in(folder, processes=2, batch_size=16, accumulation=1),
    }
    for way, other in others.items():
        wrong = steps_apart(whole, other, MODES[-1])
        for mode in MODES[:-1]:
            for kind, difference in steps_apart(whole, other, mode).items():
                name = f"1 x 32 = {way}, {mode}: {kind}"
                yield Check(name, difference, STEP_BOUND, "mean of each batch", wrong[kind])


def everything() -> Iterator[Check]:
    """Every check, as it is made."""
    for architecture in ARCHITECTURES:
        for attention in ("sdpa", "eager"):
            yield from against_alone(architecture, attention)
    yield from masked_prompts()
    with tempfile.TemporaryDirectory() as folder:
        yield from same_steps(Path(folder))


def main() -> int:
    """Run the proof; return the exit code."""
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    checks = []
    print(f"{'relative difference, fp32':58} {'measured':>9} {'at most':>8}   with a fault on purpose")
    for check in everything():
        checks.append(check)
        told = f"{check.what:58} {check.measured:9.1e} {check.bound:8.0e}   {check.with_fault:.1e} {check.fault}"
        print(told + (" FAILED" if check.failed else ""), flush=True)
    print(f"PROOF exactness tried={len(checks)} failed={sum(check.failed for check in checks)}")
    return int(any(check.failed for check in checks))


if __name__ == "__main__":
    sys.exit(main())
