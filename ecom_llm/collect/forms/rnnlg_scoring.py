"""What RNNLG publishes for a scoring of its own, beside the examples of the form rnnlg."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

from ecom_llm.collect.files import read_rows
from ecom_llm.collect.forms.origins import Origin, file_in
from ecom_llm.collect.forms.rnnlg import FILES, PARTS, fate
from ecom_llm.params import Source
from ecom_llm.records import Product, UserError

log = logging.getLogger(__name__)


def mapping(text: str) -> dict[str, object]:
    """Words and what they become, a line: `inches`, a tab, `inch -s`."""
    pairs = [line.split("\t") for line in text.splitlines() if line]
    return {"mapping": [[words, replacement] for words, replacement in pairs]}


def detection(text: str) -> dict[str, object]:
    """The slots that count by their values, and those that count by words: `{"general": {...}, "binary": {...}}`."""
    given = json.loads(text)
    return {
        "general": dict(given["general"]),
        "binary": {slot: list(words) for slot, words in given["binary"].items()},
    }


def special_values(text: str) -> dict[str, object]:
    """Values that no text states, each spelling under its one name: `{"yes": ["true", "yes"], ...}`."""
    return {"special": {spelling: name for name, spellings in json.loads(text).items() for spelling in spellings}}


SCORING: dict[str, Callable[[str], dict[str, object]]] = {
    "mapping.pair": mapping,
    "detect.pair": detection,
    "special_values.txt": special_values,
}
"""File -> how its text is read; `evaluate.rnnlg.protocol` says what comes of it."""


def protocol(place: Path) -> dict[str, object]:
    """What the three files of a folder say.

    Raises:
        UserError: one of them is not what it should be.
    """
    found: dict[str, object] = {}
    for name, reading in SCORING.items():
        try:
            found |= reading((place / name).read_text(encoding="utf-8"))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise UserError(
                f"{place / name}: expected the file as RNNLG published it, found {error!r}. Take it from "
                "github.com/shawnwun/RNNLG, or remove it to do without RNNLG's figures."
            ) from error
    return found


def published(place: Path, source: Source) -> dict[str, object] | None:
    """The protocol, and for each test row that became a product the rule baseline: `test.json:17` -> its sentence.

    None, with a warning, where a folder lacks one of the files: then RNNLG's figures cannot be computed.
    """
    missing = [name for name in SCORING if not (place / name).is_file()]
    if missing:
        log.warning("%s: %s not there, so RNNLG's own figures will not be computed", place, ", ".join(missing))
        return None
    test = next(name for name, split in FILES.items() if split == "test")
    rows = enumerate((row for _, row in read_rows(file_in(place, test, source))), start=1)
    fates = ((number, row, fate(Origin(test, number), row, source.locale)) for number, row in rows)
    baseline = {f"{test}:{number}": row[PARTS[2]] for number, row, one in fates if isinstance(one, Product)}
    return {"protocol": protocol(place), "baseline": baseline}
