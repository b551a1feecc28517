"""The manifest: every count of a preparation, so that no row is lost without a word."""

import hashlib
from array import array
from collections import Counter, defaultdict

import numpy as np

from ecom_llm.prepare.judge import Verdicts
from ecom_llm.prepare.ledger import Account
from ecom_llm.records import SPLITS, Example, Record


class Manifest(Record):
    """What came in, what went out, and why the rest did not."""

    rows: Account
    """All tables together; here and in each table rows in = kept + rejected + duplicates (see `ecom_llm.prepare.ledger`)."""
    tables: dict[str, Account]
    """Table -> its account."""
    sources: dict[str, int]
    """Source -> examples."""
    splits: dict[str, int]
    """Split -> examples."""
    groups: dict[str, int]
    """Split -> products and shoppers, each in one split only."""
    skills: dict[str, dict[str, dict[str, int]]]
    """Skill -> locale -> split -> examples."""
    items: int
    """Products that may be recommended, counted in each locale."""
    personal_data: dict[str, int]
    """Type -> finds that were replaced by its placeholder."""
    equal_examples: int
    """Examples that equal an earlier one and are kept all the same, because their publisher gave the split."""
    test_inputs_in_train: dict[str, int]
    """Skill -> different inputs of the test split that also stand in the train split."""
    near_copies_of_test_in_train: int
    """Texts of the train split that are near-copies of one in the test split: none, but for published splits."""


class Tally:
    """Counts examples as they pass by; of each example it keeps two numbers."""

    def __init__(self) -> None:
        self.splits: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.skills: dict[str, dict[str, dict[str, int]]] = {}
        self.ids = array("Q")
        self.groups: dict[str, set[int]] = defaultdict(set)
        self.inputs: dict[tuple[str, str], array] = defaultdict(lambda: array("Q"))

    def count(self, example: Example) -> None:
        split = str(example.split)
        self.splits[split] += 1
        self.ids.append(number_of(example.id))
        self.sources[example.source.rpartition(":")[0]] += 1
        self.groups[split].add(number_of(example.group))
        # zeros included, so that an empty slice can be seen
        slice_ = self.skills.setdefault(example.skill, {}).setdefault(example.locale, dict.fromkeys(SPLITS, 0))
        slice_[split] += 1
        if split != "validation":
            given = "\0".join([example.locale, *example.attributes, *example.attributes.values()])
            self.inputs[example.skill, split].append(number_of(given))

    def shared_ids(self) -> int:
        """How many examples share their id with another."""
        return len(self.ids) - len(np.unique(np.frombuffer(self.ids, dtype=np.uint64)))

    def test_inputs_in_train(self) -> dict[str, int]:
        """Skill -> different (locale, attributes in order) that stand in both splits."""
        return {
            skill: len(np.intersect1d(self.inputs[skill, "train"], self.inputs[skill, "test"])) for skill in self.skills
        }


def number_of(text: str) -> int:
    """64 bits of a text's BLAKE2b: of ten million texts, two would share them once in 370,000 corpora."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def build_manifest(
    accounts: dict[str, Account],
    tally: Tally,
    items: int,
    personal_data: dict[str, int],
    verdicts: Verdicts,
) -> Manifest:
    """The sums as one record."""
    return Manifest(
        rows=total(list(accounts.values())),
        tables=accounts,
        sources=dict(sorted(tally.sources.items())),
        splits={split: tally.splits[split] for split in SPLITS},
        groups={split: len(tally.groups[split]) for split in SPLITS},
        skills=tally.skills,
        items=items,
        personal_data=dict(sorted(personal_data.items())),
        equal_examples=verdicts.equal_kept,
        test_inputs_in_train=tally.test_inputs_in_train(),
        near_copies_of_test_in_train=verdicts.leaks,
    )


def total(accounts: list[Account]) -> Account:
    """The sum of the tables' accounts."""
    reasons: Counter[str] = Counter()
    for account in accounts:
        reasons.update(account.reasons)
    numbers = {
        name: sum(getattr(account, name) for account in accounts) for name in Account.model_fields if name != "reasons"
    }
    return Account(**numbers, reasons=dict(sorted(reasons.items())))
