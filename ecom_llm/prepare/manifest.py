"""The manifest: every count of a preparation, so that no row is lost without a word."""

from collections import Counter, defaultdict

from ecom_llm.prepare.examples import content_of
from ecom_llm.prepare.ledger import Account
from ecom_llm.records import SPLITS, Example, Item, Record


class Manifest(Record):
    """What came in, what went out, and why the rest did not."""

    rows: Account
    """All tables together; here and in each table rows in = kept + rejected + duplicates (see `ecom_llm.prepare.ledger`)."""
    tables: dict[str, Account]
    """Table -> its account."""
    splits: dict[str, int]
    """Split -> examples."""
    groups: dict[str, int]
    """Split -> products and shoppers, each in one split only."""
    skills: dict[str, dict[str, dict[str, int]]]
    """Skill -> locale -> split -> examples."""
    items: int
    """Products that may be recommended, counted in each locale."""
    equal_examples: int
    """Examples that equal an earlier one and are kept all the same, because their publisher gave the split."""
    test_inputs_in_train: dict[str, int]
    """Skill -> different inputs of the test split that also stand in the train split."""


def build_manifest(accounts: dict[str, Account], examples: list[Example], items: list[Item]) -> Manifest:
    """Count what is about to be written; every example has its split."""
    splits = Counter(example.split for example in examples)
    groups = Counter(split for split, _ in {(example.split, example.group) for example in examples})
    return Manifest(
        rows=total(list(accounts.values())),
        tables=accounts,
        splits={split: splits[split] for split in SPLITS},
        groups={split: groups[split] for split in SPLITS},
        skills=per_slice(examples),
        items=len(items),
        equal_examples=len(examples) - len({content_of(example) for example in examples}),
        test_inputs_in_train=test_inputs_in_train(examples),
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


def per_slice(examples: list[Example]) -> dict[str, dict[str, dict[str, int]]]:
    """Skill -> locale -> split -> examples; zeros included, so that an empty slice can be seen."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for example in examples:
        slice_ = counts.setdefault(example.skill, {}).setdefault(example.locale, dict.fromkeys(SPLITS, 0))
        slice_[str(example.split)] += 1
    return counts


def test_inputs_in_train(examples: list[Example]) -> dict[str, int]:
    """Skill -> different (locale, attributes in order) that stand in both splits."""
    seen: dict[tuple[str, str | None], set[tuple[object, ...]]] = defaultdict(set)
    for example in examples:
        seen[example.skill, example.split].add((example.locale, *example.attributes.items()))
    skills = dict.fromkeys(example.skill for example in examples)
    return {skill: len(seen[skill, "train"] & seen[skill, "test"]) for skill in skills}
