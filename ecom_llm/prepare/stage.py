"""The stage: collected tables -> examples in three splits, the items of a shop, and a manifest that counts it all.

One program in four steps, none of which holds the texts of the corpus (docs/data.md says what they do hold):

1. `wash`: every text is cleaned and scrubbed of personal data, and the rows are put into buckets (Daft).
2. `assemble`: in each bucket, rows that cannot be used are sifted out, and the skills make examples of the others.
3. `judge`: quality filters, equal examples and near-copies, over all buckets (Daft).
4. `splits`: the examples that stand are written, and counted as they pass.
"""

import logging
import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from ecom_llm.collect.folder import replacing, replacing_file
from ecom_llm.collect.rejected import REJECTED, Rejected
from ecom_llm.layout import Layout
from ecom_llm.params import Params, Prepare
from ecom_llm.prepare.assemble import Assembly, Refuse, assembled
from ecom_llm.prepare.buckets import bucket_count, row_counts
from ecom_llm.prepare.card.card import Card
from ecom_llm.prepare.card.page import render_card
from ecom_llm.prepare.card.tally import make_card
from ecom_llm.prepare.engine import start_engine
from ecom_llm.prepare.examples import Made
from ecom_llm.prepare.judge import judge
from ecom_llm.prepare.language import languages_of
from ecom_llm.prepare.ledger import Books
from ecom_llm.prepare.manifest import Manifest, Tally, build_manifest
from ecom_llm.prepare.personal import scrub_text
from ecom_llm.prepare.sift import TAKEN_ELSEWHERE
from ecom_llm.prepare.split import capped
from ecom_llm.prepare.splits import write_splits
from ecom_llm.prepare.wash import placeholders_before, wash
from ecom_llm.progress import watched
from ecom_llm.records import SPLITS, Example, Item, UserError, read_jsonl
from ecom_llm.shards import RecordWriter, read_records, write_records

log = logging.getLogger(__name__)


def run(params: Params, layout: Layout) -> None:
    """Write the three splits, `items`, `rejected.jsonl` and `protocols.json` into `layout.prepared`, then manifest and data card.

    Equal params and tables give equal bytes.

    Raises:
        UserError: a table cannot be read, a split stays empty, or there is no space or right to write.
        RuntimeError: the rows do not add up, or two examples share an id: a fault of ours.
    """
    with replacing(layout.prepared) as folder:
        start_engine(params.runtime, folder)
        with (folder / f"{REJECTED}.jsonl").open("w", encoding="utf-8", newline="\n") as rejects:
            manifest = prepare(layout.collected, folder, params.prepare, refusal(rejects.write, params.prepare))
        shutil.copyfile(layout.collected / layout.protocols.name, folder / layout.protocols.name)
        card = card_of(folder, manifest, params.prepare)
        shutil.rmtree(folder / "scratch")
    replacing_file(layout.manifest, manifest.model_dump_json(indent=2) + "\n")
    replacing_file(layout.card, card.model_dump_json(indent=2) + "\n")
    replacing_file(layout.card_page, render_card(card, None))
    rows = manifest.rows
    log.info(
        "%s rows in = %s kept + %s rejected + %s duplicates; examples: %s",
        *(f"{count:,}" for count in (rows.rows_in, rows.kept, rows.rejected, rows.duplicates)),
        ", ".join(f"{count:,} {split}" for split, count in manifest.splits.items()),
    )


def refusal(write: Callable[[str], int], params: Prepare) -> Refuse:
    """How a rejected row is put down: a person may open the file, so it holds no personal data either."""

    def refuse(row: Rejected) -> None:
        content = scrub_text(row.content) if params.scrub_personal_data else row.content
        write(row.model_copy(update={"content": content}).model_dump_json() + "\n")

    return refuse


def prepare(collected: Path, folder: Path, params: Prepare, refuse: Refuse) -> Manifest:
    """The four steps; `folder / "scratch"` holds what passes between them."""
    washed, made = folder / "scratch" / "washed", folder / "scratch" / "made"
    rows_in = row_counts(collected)
    params = capped(params, rows_in.total())
    work = Assembly(washed, bucket_count(collected), params, Books(rows_in), refuse)
    for row in work.books.refuse(read_jsonl(collected / f"{REJECTED}.jsonl", Rejected)):
        refuse(row)
    wash(collected, washed, work.buckets, params)
    with RecordWriter(made, Made) as writer:
        for number, example in enumerate(watched(assembled(work), "prepare", work.books.rows_in.total())):
            writer.write(example.model_copy(update={"number": number}))
    verdicts, tally = judge(made, params, folder / "scratch" / "near"), Tally()
    write_splits(made, folder, verdicts, work.books, tally, refuse)
    items = work.shelf.items()
    write_records(folder / "items", Item, items)
    personal_data = work.personal_data - placeholders_before(collected)
    manifest = build_manifest(work.books.accounts(), tally, len(items), personal_data, verdicts)
    check_ids(tally)
    warn_of_shared_keys(manifest)
    check_splits(manifest, params)
    return manifest


def card_of(folder: Path, manifest: Manifest, params: Prepare) -> Card:
    """What the examples are, read back from where they were written: a card of what others will find there."""
    examples = chain.from_iterable(read_records(folder / split, Example) for split in SPLITS)
    languages = languages_of([str(folder / split / "*.parquet") for split in SPLITS])
    return make_card(
        watched(examples, "data card", sum(manifest.splits.values())), manifest, params.licences, languages
    )


def check_ids(tally: Tally) -> None:
    """Outputs of two models are paired by the examples' ids, so no two may share one."""
    if tally.shared_ids():
        raise RuntimeError(
            f"{tally.shared_ids()} examples share their id with another: a skill does not tell its rows apart"
        )


def warn_of_shared_keys(manifest: Manifest) -> None:
    """Ids of unrelated shops that coincide look like those of one: only their owner can tell."""
    taken = manifest.rows.reasons.get(TAKEN_ELSEWHERE, 0)
    if taken:
        log.warning(
            "%s rows were rejected because a row of another source has their id with other content. If the sources are of "
            "different shops, name these in collect.shops, so that equal ids are kept apart.",
            f"{taken:,}",
        )


def check_splits(manifest: Manifest, params: Prepare) -> None:
    """Refuse to go on with an empty split: nothing could be learned from it, or nothing judged by it."""
    empty = [split for split, count in manifest.splits.items() if not count]
    if not empty:
        return
    rows = manifest.rows
    most = sorted(rows.reasons.items(), key=lambda item: -item[1])[:3]
    because = f" ({'; '.join(f'{reason} ({count})' for reason, count in most)})" if most else ""
    raise UserError(
        f"prepare: no example is left for the split {empty[0]}: {rows.rows_in} rows in, {rows.kept_as_example} kept as "
        f"examples, {rows.rejected} rejected{because}, {rows.duplicates} duplicates; expected at least one example in each of "
        f"{', '.join(SPLITS)}. Collect more rows, give another prepare.seed, or change "
        f"prepare.validation_share ({params.validation_share}) and prepare.test_share ({params.test_share})."
    )
