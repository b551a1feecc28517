"""A model's own texts for the training examples: drawn, and of those that most agree with the nearest to what people wrote learned.

MBR fine-tuning (Finkelstein & Freitag 2023, "MBR and QE Finetuning", arXiv:2309.10966), and among its best sequence-level
interpolation: the sample nearest to the reference (Kim & Rush 2016, "Sequence-Level Knowledge Distillation", 3.3).
"""

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from pydantic import ValidationError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.params import Train
from ecom_llm.progress import SECONDS, line
from ecom_llm.records import Example, Record
from ecom_llm.shards import read_records
from ecom_llm.skills.answer import known as listed
from ecom_llm.skills.slots import Slotting
from ecom_llm.train.shown import times
from ecom_llm.write.candidates import Candidate
from ecom_llm.write.copies import Copies
from ecom_llm.write.decoding import Decoding
from ecom_llm.write.encode import encode, slotting_of, with_slots
from ecom_llm.write.generation import drawn_candidates, in_order
from ecom_llm.write.reranking import gain, grams

logger = logging.getLogger(__name__)
PIECE = 400
"""Examples whose texts are written, and kept, at once: a kill costs no more than these."""
MOST = 50
"""Texts of people's that one is compared with: where thousands have the same prompt, these say what is said."""
Write = Callable[[Sequence[Example]], list[tuple[str, ...]]]
"""Examples -> the texts that are to be learned beside each one's own."""


class Own(Record):
    """What the model wrote for one example."""

    id: str
    texts: tuple[str, ...]


class Piece(Record):
    """What it wrote for some examples: a line of the file."""

    own: tuple[Own, ...]


def is_written(example: Example) -> bool:
    """Whether the model writes what is asked for. Items are ranked, and questions about products without a listing are answered
    from earlier answers, by what is learned beside it."""
    return example.skill != "recommend" and not (example.skill == "answer" and not listed(example))


def asked(folder: Path, seed: int) -> Iterator[Example]:
    """The training examples for which the model writes: those that an epoch shows, each once."""
    for example in read_records(folder, Example):
        if is_written(example) and times(example.id, example.weight, seed):
            yield example


def decoding_of(train: Train) -> Decoding:
    """How texts to be learned are drawn and ranked; nothing is forced into them."""
    own = train.self_training
    return Decoding(
        decoding="best_of_n",
        ranker="consensus",
        num_return_sequences=own.num_return_sequences,
        temperature=own.temperature,
        top_k=0,
        top_p=1.0,
        max_new_tokens=own.max_new_tokens,
        facts_within=0,
        owed_bias=0.0,
        per_device_eval_batch_size=own.batch_size,
        likelihood_weight=own.likelihood_weight,
        consensus_beta=own.consensus_beta,
        seed=train.seed,
        # items are not ranked, and questions not answered, here
        recommend_by="purchases",
        num_beams=1,
        answer_by="evidence",
        min_support=0.0,
    )


@dataclass(frozen=True)
class People:
    """What people wrote for each prompt, as the model writes it: with slots open, so that other products' texts may be the same."""

    texts: Mapping[bytes, tuple[str, ...]]
    """Digest of a prompt -> its distinct texts."""
    beta: float

    def nearness(self, prompt: bytes) -> Callable[[str], float]:
        """What tells how much a text has of the nearest that people wrote for the prompt, 0 to 1."""
        wanted = [grams(text) for text in self.texts[prompt]]

        def near(text: str) -> float:
            mine = grams(text)
            return max(gain(mine, one, self.beta) for one in wanted)

        return near


def prompt_and_target(example: Example, slotting: Slotting | None) -> tuple[bytes, str]:
    """What stands for all that an example's prompt asks for, in whatever order, and its target as the model writes it."""
    shown = with_slots(example, slotting) if slotting else example
    asked = (example.skill, example.locale, *sorted(shown.attributes.items()))
    return sha256(repr(asked).encode()).digest(), shown.target


def people_of(examples: Iterable[Example], tokenizer: PreTrainedTokenizerBase, beta: float) -> People:
    """The texts that people wrote for the examples' prompts, `MOST` for each. They are held in memory."""
    slotting = slotting_of(tokenizer)
    said: dict[bytes, dict[str, None]] = defaultdict(dict)
    for example in examples:
        prompt, text = prompt_and_target(example, slotting)
        if len(said[prompt]) < MOST:
            said[prompt][text] = None
    return People({prompt: tuple(texts) for prompt, texts in said.items()}, beta)


def best(candidates: Sequence[Candidate], near: Callable[[str], float], train: Train) -> tuple[str, ...]:
    """Of the best distinct texts without faults those that are nearest to people's; where none is without, the best one alone;
    none where all are empty."""
    own, ordered = train.self_training, [one for one in in_order(candidates, decoding_of(train)) if one.text]
    sound = {one.text: one.written for one in ordered if not one.faults}
    if not sound:
        return tuple(one.text for one in ordered[:1])
    agreed = list(sound)[: own.best]
    return tuple(sorted(agreed, key=lambda text: -near(sound[text]))[: own.texts])


def writer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, train: Train, copies: Copies | None, people: People
) -> Write:
    """What writes the texts; for an example that is too long to be learned it writes none."""
    decoding, slotting = decoding_of(train), slotting_of(tokenizer)

    def chosen(example: Example, candidates: Sequence[Candidate]) -> tuple[str, ...]:
        prompt, _ = prompt_and_target(example, slotting)
        return best(candidates, people.nearness(prompt), train)

    def write(examples: Sequence[Example]) -> list[tuple[str, ...]]:
        encoded = encode(examples, tokenizer)
        places = [place for place, one in enumerate(encoded) if len(one) <= train.max_length]
        some, prompts = ([given[place] for place in places] for given in (examples, encoded))
        found = dict(zip(places, drawn_candidates(model, tokenizer, some, prompts, decoding, copies), strict=True))
        return [chosen(one, found[place]) if place in found else () for place, one in enumerate(examples)]

    return write


def whole_pieces(path: Path) -> Iterator[Piece]:
    """The pieces of a file; what a kill or a dead machine left of the last one is cut off."""
    if not path.is_file():
        return
    with path.open("r+b") as handle:
        end = 0
        for text in handle:
            try:
                piece = Piece.model_validate_json(text) if text.endswith(b"\n") else None
            except ValidationError:
                piece = None
            if piece is None:
                handle.truncate(end)
                return
            end += len(text)
            yield piece


def write_all(path: Path, examples: Iterable[Example], total: int, write: Write) -> None:
    """Write the texts of all examples (`total` of them) into the file, from where it ends; tell how it goes.

    Raises:
        OSError: no space, or no right to write.
    """
    done = sum(len(piece.own) for piece in whole_pieces(path))
    waiting, began, told, written = islice(examples, done, None), time.monotonic(), time.monotonic(), 0
    with path.open("ab") as handle:
        while some := list(islice(waiting, PIECE)):
            own = tuple(Own(id=one.id, texts=texts) for one, texts in zip(some, write(some), strict=True))
            handle.write(f"{Piece(own=own).model_dump_json()}\n".encode())
            handle.flush()
            os.fsync(handle.fileno())
            written += len(some)
            if time.monotonic() - told > SECONDS or done + written == total:
                told = time.monotonic()
                logger.info("%s", line("texts of its own for", written, total - done, told - began, "examples"))


def to_learn(path: Path, examples: Iterable[Example], seed: int) -> Iterator[Example]:
    """The examples (those that texts were written for) with each of their texts as a target, shown as often as they are."""
    written = (own for piece in whole_pieces(path) for own in piece.own)
    for example, own in zip(examples, written, strict=True):
        shown = float(times(example.id, example.weight, seed))
        for number, text in enumerate(own.texts):
            yield example.model_copy(update={"id": f"{example.id}#s{number}", "target": text, "weight": shown})
