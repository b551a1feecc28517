"""`ecom-llm inspect`: what was understood of a shop's file or folder, for a person to read."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from ecom_llm.collect.inspect import SAMPLE_ROWS, Inspection, Problem, Proposal, Sample, Trial, inspect
from ecom_llm.collect.inspect.columns import Column, is_missing, plain
from ecom_llm.collect.inspect.personal import HIDDEN, masked
from ecom_llm.collect.inspect.synonyms import is_named
from ecom_llm.layout import Layout
from flows.data.recipe import recipe_name, require_free, write_recipe
from flows.data.sampling import on_this_machine

NARROWEST, WIDEST, PIPED = 80, 120, 100
"""Columns of text: on terminals, and where the output is no terminal."""
NAME_WIDTH = 30
"""Longest a column's name is shown."""
SHOWN_COLUMNS = 60
SHOWN_ROWS = 3
SHOWN_CELLS = 12
SHOWN_REASONS = 5
INDENT = "  "
DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "pipes"}
KINDS = {
    "csv": "CSV",
    "json": "JSON",
    "jsonl": "JSON lines",
    "parquet": "Parquet",
    "excel": "Excel",
    "literals": "Python literals, one a line",
    "lines": "lines of text",
}
ENCODINGS = {
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf_8_sig": "UTF-8 with a byte order mark",
    "cp1252": "Windows-1252",
    "latin-1": "ISO-8859-1",
    "big5": "Big5",
}
Cells = Sequence[str]


def terminal() -> Console:
    """Standard output: coloured and as wide as the terminal, or plain where it is none."""
    width = min(WIDEST, max(NARROWEST, Console().width)) if sys.stdout.isatty() else PIPED
    return Console(highlight=False, markup=False, emoji=False, width=width, no_color=not sys.stdout.isatty())


def inspected(
    place: str, locale: str | None, rows: int | None, recipe: Path | None, layout: Callable[[], Layout]
) -> None:
    """Look at a place, print what was understood, and write the recipe if one was asked for.

    Args:
        locale: None guesses it.
        rows: looked at in each file; None is as many as tell enough.
        recipe: file to write.
        layout: of the checkout, asked for only where a recipe is to be written: looking needs no checkout.

    Raises:
        UserError: the place cannot be read, or the recipe cannot be written.
    """
    target = None if recipe is None else recipe.expanduser().resolve()
    if target is not None:
        require_free(target)
    # looked at before `layout` is asked, which changes the working directory to the checkout's
    with on_this_machine(place) as (here, address):
        inspection = inspect(here, SAMPLE_ROWS if rows is None else rows, locale, address)
        show(inspection, terminal(), hint=target is None)
        if target is not None:
            checkout = layout()
            write_recipe(inspection, target, checkout.params, checkout.sources)
            print(f"{recipe} is written. Read it, then: ecom-llm run --recipe {quote(str(recipe))}")


def show(inspection: Inspection, console: Console, hint: bool) -> None:
    """Print everything: each file, the proposal, and what it makes of the first rows.

    Args:
        hint: whether to say what can be done next.
    """
    shown = SHOWN_ROWS if len(inspection.samples) == 1 else 1  # of a folder, the proposal should still be in sight
    for name, sample in inspection.samples.items():
        put(console, file_part(name, sample, inspection.problems[name], shown, console.width))
    for name, why in inspection.unread.items():
        put(console, [Text.assemble((clean(name), "bold"), f"{INDENT}not used: {clean(why)}")])
    if inspection.unread:
        console.print()
    put(console, proposal_part(inspection, console.width))
    if hint:
        put(console, [Text(line) for line in next_step(inspection)])


def put(console: Console, lines: Iterable[Text]) -> None:
    """Print lines as they are: tables were cut already, and a command must not be broken in two."""
    for line in lines:
        line.rstrip()  # what is piped into a file or a diff should carry no padding
        console.print(line, soft_wrap=True)


def clean(text: str) -> str:
    """Text for a terminal: on one line, and what would command it made harmless."""
    return "".join(letter if letter.isprintable() else "·" for letter in " ".join(text.split()))


def cut(text: str, width: int) -> str:
    """A text cut to a width in terminal cells, of which a Chinese character fills two."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def grid(rows: Sequence[Cells], width: int, *, right: Sequence[int] = (), dim: Sequence[int] = ()) -> Iterator[Text]:
    """Cells as aligned lines of at most `width`: columns as wide as their widest cell, the last as wide as is left.

    Args:
        right: places of the columns that are aligned to the right.
        dim: places of the columns that are toned down.
    """
    # rich's own tables give the width to the longest cell, and here an example is always longer than the terminal
    if not rows:
        return
    last = len(rows[0]) - 1
    widths = [min(NAME_WIDTH + 10, max(cell_len(row[at]) for row in rows)) for at in range(last)]
    widths.append(max(10, width - len(INDENT) - sum(widths) - 2 * last))
    for row in rows:
        line = Text(INDENT)
        for at, (text, size) in enumerate(zip(row, widths, strict=True)):
            shown = cut(text, size)
            padding = " " * (size - cell_len(shown))
            line.append(padding + shown if at in right else shown + padding, "dim" if at in dim else "")
            line.append("" if at == last else "  ")
        yield line


def heading(text: str) -> Text:
    return Text(text, "bold cyan")


def cell(column: str, value: object) -> str:
    """A cell as it may be shown: personal data masked."""
    text = plain(value)
    if text and is_named("personal", column):
        return HIDDEN
    # masked before it is cut to what is shown, or half a phone number would be shown as none
    return clean(masked(text[: 20 * WIDEST]))[: 2 * WIDEST]


def shape_line(sample: Sample) -> str:
    """Kind, compression, encoding and delimiter in words, the size, and how much was looked at."""
    shape = sample.shape
    encoding = shape.encoding and ENCODINGS.get(shape.encoding.lower(), shape.encoding.upper())
    delimiter = shape.delimiter and f"separated by {DELIMITERS.get(shape.delimiter, repr(shape.delimiter))}"
    size = sample.path.stat().st_size
    parts = [KINDS[shape.kind], shape.compression, encoding, delimiter, spelt_size(size), extent(sample)]
    return " · ".join(part for part in parts if part)


def spelt_size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


def extent(sample: Sample) -> str:
    """How much of the file the numbers below are about."""
    count = len(sample.rows) + len(sample.faults)
    return f"all {count:,} rows looked at" if sample.whole else f"the first {count:,} rows looked at"


def file_part(name: str, sample: Sample, problems: Sequence[Problem], shown: int, width: int) -> Iterator[Text]:
    """What is known of one file."""
    yield Text.assemble((clean(name), "bold"), INDENT, shape_line(sample))
    if sample.columns:
        yield heading("Columns")
        yield from column_lines(sample.columns, width)
    rows = [one for one in sample.rows if any(not is_missing(plain(value)) for value in one[1].values())][:shown]
    if rows:
        yield heading("Rows")
        yield from row_lines(rows, width)
    yield heading("Problems")
    if not problems:
        yield Text(f"{INDENT}none found in these rows")
    found = [(f"{one.count:,}", first(one), clean(one.what)) for one in problems]
    yield from grid(found, width, right=(0,), dim=(1,))
    yield Text()


def first(problem: Problem) -> str:
    """Where a problem is seen first; some have no line of their own."""
    return "" if problem.line is None else f"first: line {problem.line:,}"


def column_lines(columns: Sequence[Column], width: int) -> Iterator[Text]:
    """One line a column: name, kind, share empty, distinct values, example."""
    cells = [
        (
            cut(clean(column.name), NAME_WIDTH),
            column.kind,
            share(column.empty),
            f"{column.distinct:,}",
            cell(column.name, column.example),
        )
        for column in columns[:SHOWN_COLUMNS]
    ]
    if len(columns) > SHOWN_COLUMNS:
        cells.append(("...", "", "", "", f"and {len(columns) - SHOWN_COLUMNS} more columns"))
    head, *lines = grid([("column", "type", "empty", "distinct", "example"), *cells], width, right=(2, 3))
    head.stylize("dim")
    yield from (head, *lines)


def share(part: float) -> str:
    """A percentage; 0 and 100 % only where it is exactly that."""
    return f"{part:.0%}" if part in (0, 1) else f"{part:.1%}"


def row_lines(rows: Sequence[tuple[int, Mapping[str, object]]], width: int) -> Iterator[Text]:
    """Sample rows, a cell a line; empty cells are passed over."""
    lines: list[Cells] = []
    for number, row in rows:
        # a person wants to see what is there: a row of forty columns often fills six
        cells = [(name, value) for name, value in row.items() if not is_missing(plain(value))]
        for at, (name, value) in enumerate(cells[:SHOWN_CELLS]):
            lines.append((f"line {number:,}" if at == 0 else "", cut(clean(name), NAME_WIDTH), cell(name, value)))
        if len(cells) > SHOWN_CELLS:
            lines.append(("", "...", f"and {len(cells) - SHOWN_CELLS} more columns"))
    yield from grid(lines, width, dim=(1,))


def proposal_part(inspection: Inspection, width: int) -> Iterator[Text]:
    """The sources that a recipe would name, and what they gave when tried."""
    yield Text(f"Proposal for {clean(inspection.place.resolve().name)}", "bold")
    yield Text(f"{INDENT}locale {inspection.locale}  ({inspection.locale_why}; --locale says otherwise)")
    if not inspection.proposals:
        yield Text(
            f"{INDENT}Nothing was understood well enough to propose a source. A table of reviews needs stars from 1 to 5\n"
            f"{INDENT}and a text, one of questions a question and an answer, one of products an id and a title."
        )
    for proposal, trial in inspection.proposals:
        yield from source_part(proposal, trial, width)
    yield Text()


def source_part(proposal: Proposal, trial: Trial, width: int) -> Iterator[Text]:
    """One source: its form and why, the mapping, what is unused, and what came of trying it."""
    source = proposal.source
    yield Text.assemble(INDENT, (f"form {source.form}", "bold green"), f", path {clean(source.path)}")
    yield Text(2 * INDENT + clean(proposal.why))
    matches = [(INDENT + clean(one.field), f"<- {clean(one.column)}", clean(one.why)) for one in proposal.matches]
    yield from grid(matches, width, dim=(2,))
    if proposal.unused:
        unused = cut(f"not used: {', '.join(clean(name) for name in proposal.unused)}", width - 4)
        yield Text(2 * INDENT + unused, "dim")
    for note in proposal.notes:
        yield Text(f"{2 * INDENT}! {clean(note)}", "yellow")
    yield from (Text(2 * INDENT + line) for line in trial_lines(trial))


def trial_lines(trial: Trial) -> Iterator[str]:
    """What the source gave when it was read as `collect` will."""
    if trial.error is not None:
        yield f"tried: {clean(trial.error)}"
        return
    counts = ", ".join(f"{count:,} {table}{different(trial, table)}" for table, count in trial.records.items())
    rejected = sum(trial.rejected.values())
    yield f"tried{'' if trial.whole else ' on its beginning'}: {counts or 'nothing'}; {rejected:,} rejected"
    for reason, count in trial.rejected.most_common(SHOWN_REASONS):
        yield f"  {count:>7,}  {clean(reason)}"
    if trial.stated is not None:
        yield f"people's own texts state {trial.stated:.0%} of the products' attribute values word for word"
    yield f"teaches: {', '.join(trial.skills) or 'nothing yet'}"


def different(trial: Trial, table: str) -> str:
    """How many products there are where rows repeat them."""
    return f" ({trial.products:,} different)" if table == "products" and trial.products < trial.records[table] else ""


def next_step(inspection: Inspection) -> Iterator[str]:
    """A command that works."""
    if any(trial.skills for _, trial in inspection.proposals):
        yield "To have the recipe:"
        yield f"  ecom-llm inspect {quote(inspection.address or str(inspection.place))} --write {free_recipe(inspection.place)}"
    else:
        yield "Mend what is named above, or write a source by hand: collect.sources in docs/parameters.md."


def free_recipe(place: Path) -> Path:
    """A recipe's name that is not taken yet, seen from the checkout's folder."""
    name = recipe_name(place.resolve())
    names = (Path("recipes", f"{name}{end}.yaml") for end in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(path for path in names if not path.exists())
