"""The stage: five collected tables -> examples in three splits, the items of a shop, and a manifest that counts it all."""

import logging
from collections import Counter

from ecom_llm.collect.folder import replacing, replacing_file
from ecom_llm.collect.rejected import REJECTED, Rejected
from ecom_llm.layout import Layout
from ecom_llm.params import Params, Prepare
from ecom_llm.prepare.examples import make_examples, settle_context
from ecom_llm.prepare.ledger import accounts, open_ledger, rejections
from ecom_llm.prepare.manifest import Manifest, build_manifest
from ecom_llm.prepare.sift import items_of, sift
from ecom_llm.prepare.split import given_splits, with_split
from ecom_llm.records import SPLITS, Example, Item, Record, Tables, UserError, read_jsonl, read_tables, write_jsonl

log = logging.getLogger(__name__)


class Prepared(Record):
    """What the stage writes."""

    examples: list[Example]
    """All of them, each with its split, in the order of skills and rows."""
    items: list[Item]
    rejected: list[Rejected]
    manifest: Manifest


def run(params: Params, layout: Layout) -> None:
    """Write the three splits, `items.jsonl` and `rejected.jsonl` into `layout.prepared`, then `layout.manifest`.

    Equal params and tables give equal bytes.

    Raises:
        UserError: a table cannot be read, a split stays empty, or there is no space or right to write.
        RuntimeError: the rows do not add up, or two examples share an id: a fault of ours.
    """
    refused = list(read_jsonl(layout.collected / f"{REJECTED}.jsonl", Rejected))
    prepared = prepare(read_tables(layout.collected), refused, params.prepare)
    with replacing(layout.prepared) as folder:
        for split in SPLITS:
            path = folder / layout.split(split).name
            write_jsonl(path, (example for example in prepared.examples if example.split == split))
        write_jsonl(folder / layout.items.name, prepared.items)
        write_jsonl(folder / f"{REJECTED}.jsonl", prepared.rejected)
    replacing_file(layout.manifest, prepared.manifest.model_dump_json(indent=2) + "\n")
    rows = prepared.manifest.rows
    log.info(
        "%s rows in = %s kept + %s rejected + %s duplicates; examples: %s",
        *(f"{count:,}" for count in (rows.rows_in, rows.kept, rows.rejected, rows.duplicates)),
        ", ".join(f"{count:,} {split}" for split, count in prepared.manifest.splits.items()),
    )


def prepare(tables: Tables, refused: list[Rejected], params: Prepare) -> Prepared:
    """Records -> examples, as a function of nothing else; `refused` are the rows that collection had rejected."""
    ledger = open_ledger(tables, refused)
    sifted = sift(tables, ledger)
    kept = make_examples(sifted, given_splits(sifted.products), params, ledger)
    settle_context(sifted, kept, ledger)
    examples = [with_split(example, params) for example in kept]
    check_ids(examples)
    items = items_of(sifted.products) if sifted.interactions else []
    manifest = build_manifest(accounts(ledger, tables), examples, items)
    check_splits(manifest, params)
    return Prepared(examples=examples, items=items, rejected=list(rejections(ledger)), manifest=manifest)


def check_ids(examples: list[Example]) -> None:
    """Outputs of two models are paired by the examples' ids, so no two may share one."""
    twice = [name for name, count in Counter(example.id for example in examples).items() if count > 1]
    if twice:
        raise RuntimeError(
            f"{len(twice)} example ids stand twice, such as {twice[0]!r}: a skill does not tell its rows apart"
        )


def check_splits(manifest: Manifest, params: Prepare) -> None:
    """Refuse to go on with an empty split: nothing could be learned from it, or nothing judged by it."""
    empty = [split for split, count in manifest.splits.items() if not count]
    if not empty:
        return
    rows = manifest.rows
    reasons = "; ".join(f"{reason} ({count})" for reason, count in Counter(rows.reasons).most_common(3))
    because = f" ({reasons})" if reasons else ""
    raise UserError(
        f"prepare: no example is left for the split {empty[0]}: {rows.rows_in} rows in, {rows.kept_as_example} kept as "
        f"examples, {rows.rejected} rejected{because}, {rows.duplicates} duplicates; expected at least one example in each of "
        f"{', '.join(SPLITS)}. Collect more rows, give another prepare.seed, or change "
        f"prepare.validation_share ({params.validation_share}) and prepare.test_share ({params.test_share})."
    )
