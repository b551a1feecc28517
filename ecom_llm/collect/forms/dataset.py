"""dataset: a Hugging Face data set, from the Hub or a local folder, read by `columns` as `mapped` reads a file.

Rows are streamed, so that neither a copy nor a cache of the data is made. No code of a data set is ever run: only files of
rows (Parquet, CSV, JSON) are read.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ecom_llm.collect.files import Fault, Row
from ecom_llm.collect.forms.columns import check_columns, mapping_of
from ecom_llm.collect.forms.mapped import attributes_of_object, records_of
from ecom_llm.collect.forms.origins import Origin
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Sourced, Split, UserError

log = logging.getLogger(__name__)

SPLITS: dict[str, Split] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "test": "test",
}
"""Names data sets give their splits -> ours."""
PUBLISHED = "published split"
"""Column for the split a row was published in."""


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read every split of a data set; rows are counted from 1 within each, and `NAME/SPLIT` is their source.

    Args:
        place: a local folder of Parquet, CSV or JSON files, or one that `save_to_disk` wrote; where there is none,
            `source.path` is a name on the Hub.

    Raises:
        UserError: the data set cannot be loaded, or the mapping does not fit it.
    """
    mapping = mapping_of(source)
    parts = load(str(place) if place.exists() else source.path, source)
    for name, columns in columns_of(parts).items():
        check_columns(source, mapping, columns, f"the split {name}")
    # a local folder without splits of its own comes as one called `train`, which is not what its publisher meant
    given = published_splits(parts)
    if given and "products" in mapping.fields:
        # before products are compared, so that one in two splits has its first row's: no product may stand in both
        mapping.fields["products"].setdefault("split", PUBLISHED)
    elif given:
        log.warning(
            "%s: its published splits are not kept, since only products carry them: map products.id, too, or let prepare draw "
            "splits from all rows.",
            source.path,
        )
    yield from records_of(rows_of(parts, given, source), source, mapping, attributes_of_object)


def load(name: str, source: Source) -> Mapping[str, Iterable[Row]]:
    """The splits of a data set by name, each to be streamed.

    Raises:
        UserError: there is no such data set here or on the Hub, or the Hub cannot be reached.
    """
    # its import takes seconds, which no other form should pay for
    import datasets

    try:
        if is_saved(Path(name)):
            saved = datasets.load_from_disk(name)
            return saved if isinstance(saved, dict) else {"train": saved}
        return datasets.load_dataset(name, streaming=True)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise unusable(source, name, error) from error


def is_saved(place: Path) -> bool:
    """Whether a folder is what `save_to_disk` writes: Arrow files, with these beside them."""
    return any((place / name).is_file() for name in ("dataset_dict.json", "state.json"))


def unusable(source: Source, name: str, error: Exception) -> UserError:
    """What to tell about a data set that cannot be read."""
    said = (" ".join(str(error).split()) or type(error).__name__)[:300]
    return UserError(
        f"collect.sources: path {source.path!r}: the data set {name} cannot be read: {said}. Expected a folder of Parquet, "
        "CSV or JSON files under collect.location, or the name of a public data set on the Hub, a connection to it and "
        "HF_HUB_OFFLINE=0 in the environment (`hf download NAME --repo-type dataset --local-dir FOLDER` makes a local copy)."
    )


def columns_of(parts: Mapping[str, Iterable[Row]]) -> dict[str, list[str]]:
    """The columns of each split, where the files say them; JSON lines show theirs only when they are read."""
    features = {name: getattr(part, "features", None) for name, part in parts.items()}
    return {name: list(found) for name, found in features.items() if found}


def published_splits(parts: Mapping[str, object]) -> dict[str, Split]:
    """Part -> split, where the publisher held out a test: a folder of loose files is all called `train`."""
    given = {name: SPLITS[name] for name in parts if name in SPLITS}
    return given if {"train", "test"} <= set(given.values()) else {}


def rows_of(
    parts: Mapping[str, Iterable[Row]], given: dict[str, Split], source: Source
) -> Iterator[tuple[Origin, Row | Fault]]:
    """Every row with its part and number, and in the column PUBLISHED the split its publisher gave it, if any."""
    for name, part in parts.items():
        published = {PUBLISHED: given[name]} if name in given else {}
        try:
            for number, row in enumerate(part, start=1):
                yield Origin(name, number), {**row, **published}
        except (OSError, ValueError, RuntimeError) as error:
            # what follows a fault half-way cannot be read, and half a split must not pass for a whole one
            raise unusable(source, f"{source.path} (split {name})", error) from error
