"""Published forms, told by their look: what their authors' files hold, rather than what the files are called."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ecom_llm.collect.files import read_lines
from ecom_llm.collect.forms.tables import REQUIRED, optional, table_of
from ecom_llm.collect.inspect.columns import PAIRS, Column
from ecom_llm.collect.inspect.sample import Sample
from ecom_llm.params import Form
from ecom_llm.records import UserError

MOST = 0.8
"""Share of the filled cells that must have a form's look."""
HEAD = 60
"""Lines read of a file whose rows are in no common form."""
ACT = re.compile(r'"\s*\??\w+\s*\((?:[^"\\]|\\.)*\)\s*"')
RUBY_HASH = re.compile(r'\{\s*"product_specification"\s*=>')
RNNLG_FILES = ("train.json", "valid.json", "test.json")
SHARD = re.compile(r"(?:data/)?(?:train|test|validation|valid|dev)-\d{5}-of-\d{5}(?:-\w+)?\.parquet")
"""How `datasets` names the files that it pushes to the Hub."""


@dataclass(frozen=True)
class Recognised:
    """A form, why it is that one, and the files it reads; `folder` forms are named by their folder."""

    form: Form
    why: str
    files: tuple[str, ...]
    folder: bool
    hashes: str | None = None
    """For `specifications`: the column that holds them."""


def share(sample: Sample, column: str, looks: Callable[[str], object]) -> float:
    """Share of a column's filled cells that have a look."""
    texts = sample.texts(column)
    return sum(bool(looks(text)) for text in texts) / len(texts) if texts else 0.0


def file_form(sample: Sample) -> Recognised | None:
    """The form of a single file."""
    names = {column.name for column in sample.columns}
    file = (sample.path.name,)
    if {"content", "summary"} <= names and share(sample, "content", PAIRS.fullmatch) >= MOST:
        why = "AdvertiseGen: `content` holds attributes like 类型#裙*颜色#红, `summary` the ad copy"
        return Recognised("advertisegen", why, file, folder=False)
    if {"asin", "question", "answer"} <= names and (sample.shape.kind == "literals" or "questionType" in names):
        why = "Amazon QA: questions and answers with Amazon's `asin`"
        return Recognised("amazon_qa", why, file, folder=False)
    hashes = [column.name for column in sample.columns if is_specification(sample, column)]
    if hashes:
        return Recognised(
            "specifications",
            f'`{hashes[0]}` holds hashes like {{"product_specification"=>[...]}}',
            file,
            folder=False,
            hashes=hashes[0],
        )
    return None


def is_specification(sample: Sample, column: Column) -> bool:
    """Whether a column holds Flipkart's Ruby hashes."""
    return column.kind in ("object", "text") and share(sample, column.name, RUBY_HASH.match) >= MOST


def head(path: Path) -> list[str]:
    """The first lines of a text file; none where it cannot be read as one."""
    try:
        return [line for _, line in islice(read_lines(path), HEAD) if isinstance(line, str)]
    except UserError:
        return []


def holds_acts(path: Path) -> bool:
    """Whether a file is a JSON list of [act, sentence, sentence] after comment lines, as RNNLG's are."""
    lines = [line.strip() for line in head(path) if line.strip() and not line.startswith("#")]
    return bool(lines) and lines[0].startswith("[") and bool(ACT.search("\n".join(lines)))


def rnnlg(folder: Path, samples: Mapping[str, Sample]) -> Recognised | None:
    """RNNLG's three files."""
    if all((folder / name).is_file() for name in RNNLG_FILES) and holds_acts(folder / RNNLG_FILES[0]):
        return Recognised(
            "rnnlg",
            "RNNLG: lists of [dialogue act, sentence, baseline] like inform(name=...;memory=4 gb)",
            RNNLG_FILES,
            folder=True,
        )
    return None


def item_windows(folder: Path, samples: Mapping[str, Sample]) -> Recognised | None:
    """A catalogue of items beside windows of purchases."""
    windows = [
        name
        for name, sample in samples.items()
        if {"user_id", "history_item_id", "item_id"} <= {column.name for column in sample.columns}
    ]
    # without the catalogue the windows are numbers
    if windows and (folder / "items.json").is_file():
        return Recognised(
            "item_windows",
            "items.json is a catalogue by number; the others hold shoppers' histories and next item",
            ("items.json", *windows),
            folder=True,
        )
    return None


def jddc(folder: Path, samples: Mapping[str, Sample]) -> Recognised | None:
    """Pairs of line files: the conversation so far, and what the agent said next."""
    pairs = [path.stem for path in sorted(folder.glob("*.enc")) if path.with_suffix(".dec").is_file()]
    if not pairs:
        return None
    files = tuple(f"{stem}{end}" for stem in pairs for end in (".enc", ".dec"))
    return Recognised("jddc", "JDDC: conversations (.enc) beside the answers (.dec), line by line", files, folder=True)


def tables(folder: Path, samples: Mapping[str, Sample]) -> Recognised | None:
    """Files named after the canonical tables, with the columns these need."""
    named = [name for name, sample in samples.items() if is_table(name, sample)]
    if not named:
        return None
    return Recognised("tables", "named after the canonical tables, with their columns", tuple(named), folder=True)


def is_table(name: str, sample: Sample) -> bool:
    """Whether a file can be read as the table it is named after."""
    names = {column.name for column in sample.columns}
    table = table_of(name)
    if table is None or not names.issuperset(REQUIRED[table]):
        return False
    # `tables` refuses unknown columns, but for products, where they are attributes: of plain values, as a shop's API has not
    if table != "products":
        return names <= {*REQUIRED[table], *optional(table)}
    return not any(holds_more(row) for _, row in sample.rows)


def holds_more(row: Mapping[str, object]) -> bool:
    """Whether a cell, other than the object of all attributes, is an object or a list of lists or objects."""
    cells = [cell for name, cell in row.items() if name != "attributes"]
    members = [member for cell in cells if isinstance(cell, list) for member in cell]
    return any(isinstance(cell, dict) for cell in cells) or any(isinstance(one, list | dict) for one in members)


def dataset(folder: Path, samples: Mapping[str, Sample]) -> Recognised | None:
    """A copy of a data set as Hugging Face's Hub holds it."""
    shards = tuple(name for name in samples if SHARD.fullmatch(name))
    if not shards:
        return None
    return Recognised(
        "dataset", "shards as Hugging Face datasets names them, one set for each split", shards, folder=True
    )


FOLDER_FORMS: Sequence[Callable[[Path, Mapping[str, Sample]], Recognised | None]] = (
    dataset,
    tables,
    rnnlg,
    item_windows,
    jddc,
)
"""Tried in this order; the first that knows a folder has it."""


def folder_form(folder: Path, samples: Mapping[str, Sample]) -> Recognised | None:
    """The form of a folder of files that belong together."""
    return next((found for form in FOLDER_FORMS if (found := form(folder, samples)) is not None), None)
