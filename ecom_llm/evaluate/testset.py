"""The test examples that are used, and what says that two evaluations used the same ones."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from logging import getLogger
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from ecom_llm.evaluate import evidence
from ecom_llm.evaluate.baselines import by_skill_and_locale
from ecom_llm.evaluate.ranking import titles_by_locale
from ecom_llm.records import Example, Item, UserError
from ecom_llm.write.encode import Encoded

log = getLogger(__name__)


def sample(examples: Iterable[Example], most: int, seed: int) -> list[Example]:
    """At most `most` examples of each skill and locale; groups and examples within them in the file's order.

    Each example draws its lot from the seed and its own id: examples that come or go elsewhere change nobody's lot.
    """
    chosen: list[Example] = []
    for group in by_skill_and_locale(examples).values():
        lots = sorted(group, key=lambda example: sha256(f"{seed}:{example.id}".encode()).digest())
        drawn = {example.id for example in lots[:most]}
        chosen += [example for example in group if example.id in drawn]
    return chosen


def fitting(examples: Sequence[Example], encoded: Sequence[Encoded], longest: int | None, split: Path) -> list[Example]:
    """The examples that the model, as it reads them, has positions for; the others are left out with a warning.

    Args:
        split: where the examples are from.

    Raises:
        UserError: none is left.
    """
    pairs = zip(examples, encoded, strict=True)
    kept = [example for example, one in pairs if longest is None or len(one) <= longest]
    if not kept:
        raise UserError(
            f"{split}: holds no example to test on{f' of at most {longest} tokens' if examples else ''}. "
            "Collect more data or raise prepare.test_share."
        )
    if len(kept) < len(examples):
        log.warning(
            "left out %d test examples longer than the model's %d positions", len(examples) - len(kept), longest
        )
    return kept


def fingerprint(examples: Iterable[Example]) -> str:
    """SHA-256 over id, attributes and target of the examples, in order."""
    return evidence.fingerprint((example.id, example.attributes, example.target) for example in examples)


def prepared_fingerprint(prepared: Mapping[str, Sequence[Example]], items: Iterable[Item]) -> str:
    """SHA-256 of all that was prepared (split -> examples) and of the items that may be recommended: what metrics look things up in."""
    parts = [*(fingerprint(examples) for examples in prepared.values()), json.dumps(titles_by_locale(items))]
    return sha256("\n".join(parts).encode()).hexdigest()


def tokenizer_fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """SHA-256 of what decides token ids: the fast tokenizer without padding and truncation, chat template and slotting."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    kept = {key: value for key, value in state.items() if key not in ("padding", "truncation")}
    slots = tokenizer.init_kwargs.get("slots", False)
    return sha256(json.dumps([kept, tokenizer.chat_template, slots], sort_keys=True).encode()).hexdigest()
