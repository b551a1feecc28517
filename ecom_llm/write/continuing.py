"""Prompts -> continuations, in a batch that is not left to run empty: a finished text's row is taken by a waiting prompt.

Iteration-level scheduling (Yu et al. 2022, "Orca: A Distributed Serving System for Transformer-Based Generative Models",
3.1), over rows that are aligned at their right edge. Longer prompts come first, so that a waiting one always fits.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm
from transformers import Cache, PreTrainedModel

from ecom_llm.write.cache import new_cache, refillable
from ecom_llm.write.choosing import Choice
from ecom_llm.write.padding import pad, positions

IDLE_SHARE = 4
"""One row in so many stands idle before prompts are read: reading some costs as much as a step of the whole batch."""


@dataclass(frozen=True)
class Continuation:
    """What stands behind a prompt: the tokens before the end token."""

    tokens: list[int]
    log_probability: float
    """Of the tokens and of the end token, where there is one: the model's own, before temperature and rules, in nats."""
    scored: int
    """Tokens that `log_probability` sums over."""


@dataclass(frozen=True)
class Writing:
    """The texts being written, each a row of these tensors; the last row takes what idle rows of the batch write."""

    model: PreTrainedModel
    choice: Choice
    ends: torch.Tensor
    limit: torch.Tensor
    """(texts + 1,): tokens at which each text ends in any case."""
    tokens: torch.Tensor
    """(texts + 1, most tokens)."""
    written: torch.Tensor
    """(texts + 1,): how many there are."""
    log_probability: torch.Tensor | None
    """(texts + 1,), where it is asked for."""

    @property
    def idle(self) -> int:
        """The row that is no text."""
        return len(self.limit) - 1

    def write(self, logits: torch.Tensor, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the next token of each text; logits (rows, vocabulary), texts (rows,) -> tokens (rows,), and whether they end."""
        place = self.written[texts]
        tokens = self.choice(logits, texts, place)
        self.tokens[texts, place] = tokens
        if self.log_probability is not None:
            said = logits.float().log_softmax(dim=-1).gather(1, tokens[:, None])[:, 0]
            self.log_probability[texts] += said.double()
        ended = torch.isin(tokens, self.ends) | (place + 1 >= self.limit[texts])
        self.written[texts] = place + 1
        self.written[self.idle] = 0
        return tokens, ended

    def going_on(
        self, texts: torch.Tensor, length: torch.Tensor, ended: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The texts and lengths of a batch, rows that have ended (or were idle before) made idle, of no length."""
        ended = ended | (texts == self.idle)
        return texts.masked_fill(ended, self.idle), length.masked_fill(ended, 0)

    def idle_rows(self, rows: "Rows | None") -> torch.Tensor:
        """The rows that write no text."""
        return torch.empty(0) if rows is None else (rows.text == self.idle).nonzero()[:, 0]


@dataclass
class Rows:
    """A batch: the text that each row writes, its tokens in the cache, and the token that is to follow them."""

    text: torch.Tensor
    length: torch.Tensor
    token: torch.Tensor
    cache: Cache

    def keep(self, rows: torch.Tensor) -> None:
        """Drop all rows but these."""
        self.text, self.length, self.token = self.text[rows], self.length[rows], self.token[rows]
        self.cache.batch_select_indices(rows)

    def put(self, rows: torch.Tensor, other: "Rows") -> None:
        """Another batch, of no longer texts, takes the place of `rows`."""
        self.text[rows], self.length[rows], self.token[rows] = other.text, other.length, other.token
        for mine, new in zip(self.cache.layers, other.cache.layers, strict=True):
            mine.put(rows, new)

    def trim(self) -> None:
        """Drop the columns at the left edge in which no row has a token."""
        unused = self.cache.get_seq_length() - int(self.length.max())
        for layer in self.cache.layers:
            layer.forget(unused)


def read(writing: Writing, prompts: Sequence[Sequence[int]], texts: Sequence[int], pad_token_id: int) -> Rows:
    """A batch at the end of its prompts, with the first token of each text; a prompt that several texts share is read once."""
    model, chosen = writing.model, torch.tensor(texts, device=writing.model.device)
    unlike, copy_of = distinct(prompts) if refillable(model) else (list(range(len(prompts))), list(range(len(prompts))))
    ids, mask = pad([prompts[row] for row in unlike], pad_token_id, "left", model.device)
    seen = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions(mask),
        past_key_values=new_cache(model),
        logits_to_keep=1,
        use_cache=True,
    )
    copies = torch.tensor(copy_of, device=model.device)
    if len(unlike) < len(prompts):
        seen.past_key_values.batch_select_indices(copies)
    tokens, ended = writing.write(seen.logits[copies, -1], chosen)
    return Rows(*writing.going_on(chosen, mask.sum(dim=1)[copies], ended), tokens, seen.past_key_values)


def distinct(prompts: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """The rows whose prompt is another object than the row before, and for each row the place of its prompt among those."""
    unlike: list[int] = []
    copy_of: list[int] = []
    for row, prompt in enumerate(prompts):
        if not row or prompt is not prompts[row - 1]:
            unlike.append(row)
        copy_of.append(len(unlike) - 1)
    return unlike, copy_of


def step(writing: Writing, rows: Rows) -> None:
    """Write one more token in each row."""
    width = rows.cache.get_seq_length() + 1
    columns = torch.arange(width, device=rows.length.device)
    logits = writing.model(
        input_ids=rows.token[:, None],
        attention_mask=(columns >= width - 1 - rows.length[:, None]).long(),
        position_ids=rows.length[:, None],
        past_key_values=rows.cache,
        use_cache=True,
    ).logits[:, -1]
    rows.token, ended = writing.write(logits, rows.text)
    rows.text, rows.length = writing.going_on(rows.text, rows.length + 1, ended)


@torch.inference_mode()
def write_all(writing: Writing, prompts: Sequence[Sequence[int]], size: int, pad_token_id: int) -> None:
    """Write a text behind each prompt, in batches of at most `size` rows."""
    refills = refillable(writing.model)
    waiting = deque(sorted(range(len(prompts)), key=lambda text: (-len(prompts[text]), text)))
    rows: Rows | None = None

    def newcomers(places: int) -> Rows:
        taken = [waiting.popleft() for _ in range(min(places, len(waiting)))]
        bar.update(len(taken))
        return read(writing, [prompts[text] for text in taken], taken, pad_token_id)

    with tqdm(total=len(prompts), desc="writing", unit="text", disable=None, leave=False) as bar:
        while True:
            idle = writing.idle_rows(rows)
            if rows is None or len(idle) == len(rows.text):
                if not waiting:
                    return
                rows = newcomers(size)
            elif refills and len(idle) * IDLE_SHARE >= len(rows.text):
                if waiting:
                    new = newcomers(len(idle))
                    rows.put(idle[: len(new.text)], new)
                else:
                    rows.keep((rows.text != writing.idle).nonzero()[:, 0])
                rows.trim()
            else:
                step(writing, rows)


def continuations(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    choice: Choice,
    *,
    limits: Sequence[int],
    ends: Sequence[int],
    pad_token_id: int,
    batch_size: int,
    scored: bool = False,
) -> list[Continuation]:
    """What the model writes behind each prompt, in the prompts' order.

    Neither `batch_size` nor the order changes what is written, but for rounding: a near tie may fall the other way.

    Args:
        limits: the most tokens of each text.
        scored: whether log-probabilities are wanted; else they are 0.
    """
    texts, device = len(prompts) + 1, model.device
    writing = Writing(
        model=model,
        choice=choice,
        ends=torch.tensor(ends, device=device),
        limit=torch.tensor([*limits, 1], device=device),
        tokens=torch.zeros(texts, max(limits, default=1), dtype=torch.long, device=device),
        written=torch.zeros(texts, dtype=torch.long, device=device),
        log_probability=torch.zeros(texts, dtype=torch.float64, device=device) if scored else None,
    )
    write_all(writing, prompts, batch_size, pad_token_id)
    said = writing.log_probability.tolist() if scored else [0.0] * texts
    rows = zip(writing.tokens.tolist()[:-1], writing.written.tolist(), said, strict=False)
    return [Continuation(before(row[:written], ends), one, written) for row, written, one in rows]


def before(tokens: list[int], ends: Sequence[int]) -> list[int]:
    """The tokens of a text before its end token."""
    return tokens[:-1] if tokens and tokens[-1] in ends else tokens
