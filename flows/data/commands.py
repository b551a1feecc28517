"""The commands about data: `ecom-llm add`, `ecom-llm inspect`, and `ecom-llm data card`, `versions` and `restore`."""

from pathlib import Path

from cyclopts import App

from flows.entering import enter

app = App(
    name="data", help="See what the examples are made of and which versions of the data there are; go back to one."
)


def add(path: str, *more: str) -> None:
    """Put a data file, of this machine or from an address, under data/sources, versioned by DVC, and push it to DVC's remote.

    A file of that name that is there already gets a new version. Then say how it is read: `ecom-llm inspect PATH` proposes
    an entry of `collect.sources`. Data you only want read where it lies needs no adding: set `collect.location` to its
    absolute path.

    For example:

        ecom-llm add ~/export/products.csv ~/export/reviews.csv

    Parameters
    ----------
    path
        File or folder to copy; or an address (http, https, s3, gs, azure), of http of one file. `dvc update` fetches it again.
    more
        Further ones.
    """
    from ecom_llm.params.location import is_address
    from flows.data.adding import add_source, added_lines
    from flows.data.importing import add_address

    # resolved before `enter` changes the working directory
    sources = {one: Path(one).expanduser().resolve() for one in (path, *more)}
    layout, _ = enter()
    for one, source in sources.items():
        added = add_address(one, layout) if is_address(one) else add_source(source, layout)
        print("\n".join(added_lines(added, layout)))


def inspect(path: str, *, locale: str | None = None, rows: int | None = None, write: Path | None = None) -> None:
    """Show what is understood of a shop's file or folder: encoding, columns, problems, and how it could be read.

    Nothing is changed; with `--write` the proposal becomes a recipe.

    For example:

        ecom-llm inspect ~/export/reviews.csv
        ecom-llm inspect ~/export --write recipes/my-shop.yaml
        ecom-llm inspect https://example.org/export/reviews.csv.gz

    Parameters
    ----------
    path
        File (CSV, TSV, JSON, JSON lines, Parquet or Excel, plain or compressed), or a folder of such files; or the address of one.
    locale
        Language of the texts, such as en or zh-TW; without it the script of the texts is asked.
    rows
        Rows looked at in each file; without it the first 2,000.
    write
        Recipe to write; an existing file is not overwritten.
    """
    from flows.data.inspecting import inspected

    inspected(path, locale, rows, write, lambda: enter()[0])


@app.command
def card(*, against: str | None = None, everything: bool = False) -> None:
    """Show the data card of the prepared examples; with `--against`, what moved since an earlier version.

    For example:

        ecom-llm data card
        ecom-llm data card --against v1

    Parameters
    ----------
    against
        Tag, branch, commit, or name of an experiment, whose data to compare with.
    everything
        Whether the table names what did not move, too.
    """
    from ecom_llm.prepare.card.card import read_card
    from flows.data.cards import card_lines, compare, is_current

    layout, _ = enter()
    current = read_card(layout.card)
    told = card_lines(current) if against is None else compare(current, against, everything, layout)
    print("\n".join(told))
    if against is None:
        print(f"\nThe whole card:\n  {layout.card_page}")
    if not is_current(layout):
        print("\nData, code or params changed since this card was made. To make it anew: dvc repro prepare")


@app.command
def versions() -> None:
    """List the versions of the data under data/sources: the commits that changed it, the latest first.

    For example:

        ecom-llm data versions
    """
    from flows.data.versions import version_lines
    from flows.data.versions import versions as found

    layout, _ = enter()
    print("\n".join(version_lines(found(layout), layout)))


@app.command
def restore(version: str, *, force: bool = False) -> None:
    """Bring data/sources back to an earlier version; nothing else changes.

    For example:

        ecom-llm data restore v1
        ecom-llm data restore main

    Parameters
    ----------
    version
        Tag, branch or commit, as `ecom-llm data versions` lists them.
    force
        Whether data that is saved nowhere may be lost.
    """
    from flows.data.restoring import restore as bring_back
    from flows.data.restoring import restored_lines

    layout, _ = enter()
    print("\n".join(restored_lines(version, bring_back(version, layout, force))))
