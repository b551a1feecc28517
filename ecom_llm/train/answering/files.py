"""An answerer in a folder of its model: JSON, safetensors and Parquet, no code and no pickle. Equal answerers are equal bytes."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ecom_llm.records import UserError
from ecom_llm.shards import read_records, write_records
from ecom_llm.train.answering.answerer import Answerer, Reader
from ecom_llm.train.answering.evidence import Known, Listing, Told
from ecom_llm.train.answering.fitting import Curve
from ecom_llm.train.answering.lexicon import Lexicon, Space
from ecom_llm.train.answering.neighbours import Neighbours
from ecom_llm.train.answering.support import Background

FOLDER = "answering"
"""Within a model's folder."""
SETTINGS, NUMBERS, ANSWERS, LISTINGS = "answering.json", "answering.safetensors", "answers", "listings"
CURVES = ("support", "choice")
PARTS = ("mean", "spread", "bends", "crossed", "weights")
SPACES = ("words", "grams")

Numbers = dict[str, np.ndarray]


def save(answerer: Answerer, folder: Path) -> None:
    """Write words, and which texts are compared with, as JSON; numbers as safetensors; evidence as Parquet."""
    folder.mkdir(parents=True)
    settings, numbers = {}, {}
    for locale, reader in answerer.readers.items():
        settings[locale] = words_of(reader)
        numbers |= {f"{locale}.{name}": np.ascontiguousarray(value) for name, value in numbers_of(reader).items()}
    (folder / SETTINGS).write_text(json.dumps(settings, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    save_file(numbers, folder / NUMBERS)
    known = answerer.known
    write_records(folder / ANSWERS, Told, (one for told in known.answers.values() for one in told))
    listings = (
        Listing(product=product, locale=locale, attributes=dict(facts))
        for (product, locale), facts in known.listings.items()
    )
    write_records(folder / LISTINGS, Listing, listings)


def words_of(reader: Reader) -> dict[str, object]:
    """What JSON holds of a reader."""
    lexicon = reader.lexicon
    return {
        "words": list(lexicon.words.idf),
        "grams": list(lexicon.grams.idf),
        "unknown": [lexicon.words.unknown, lexicon.grams.unknown],
        "topics": list(lexicon.topics),
        "background": [told[0].product for told in reader.background.products],
        "neighbours": [told.id for told in reader.neighbours.told],
    }


def numbers_of(reader: Reader) -> Numbers:
    """What safetensors holds of a reader."""
    lexicon = reader.lexicon
    found = {"axes": lexicon.axes}
    found |= {name: np.array(list(getattr(lexicon, name).idf.values()), np.float64) for name in SPACES}
    for name in CURVES:
        curve = getattr(reader, name)
        found |= {f"{name}.{part}": getattr(curve, part) for part in PARTS}
    return found


def load(model: Path) -> Answerer | None:
    """The answerer of a model's folder; None where it has none.

    Raises:
        UserError: it is damaged, or of another version of this code.
    """
    folder = model / FOLDER
    if not folder.is_dir():
        return None
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        numbers = load_file(folder / NUMBERS)
        known = known_in(folder)
        readers = {locale: reader_in(locale, told, numbers, known) for locale, told in settings.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        fault = " ".join(f"{type(error).__name__} {error}".split())
        raise UserError(f"{folder}: cannot be read as an answerer ({fault}). Train the model again.") from error
    return Answerer(readers, known)


def known_in(folder: Path) -> Known:
    """The evidence that `save` wrote."""
    answers: dict[tuple[str, str], list[Told]] = {}
    for one in read_records(folder / ANSWERS, Told):
        answers.setdefault((one.product, one.locale), []).append(one)
    listings = {(one.product, one.locale): one.attributes for one in read_records(folder / LISTINGS, Listing)}
    return Known({key: tuple(told) for key, told in answers.items()}, listings)


def reader_in(locale: str, told: Mapping[str, list], numbers: Numbers, known: Known) -> Reader:
    """One locale of what `save` wrote."""
    own = {name.removeprefix(f"{locale}."): value for name, value in numbers.items() if name.startswith(f"{locale}.")}
    spaces = [
        Space(dict(zip(told[name], own[name].tolist(), strict=True)), unknown)
        for name, unknown in zip(SPACES, told["unknown"], strict=True)
    ]
    if len(told["topics"]) != len(own["axes"]):
        raise ValueError(f"{len(own['axes'])} axes of {len(told['topics'])} words in {locale}")
    lexicon = Lexicon(*spaces, {word: row for row, word in enumerate(told["topics"])}, own["axes"])
    by_id = {one.id: one for answers in known.answers.values() for one in answers}
    compared = tuple(known.answers[product, locale] for product in told["background"])
    neighbours = Neighbours(tuple(by_id[name] for name in told["neighbours"]))
    curves = [Curve(*(own[f"{name}.{part}"] for part in PARTS)) for name in CURVES]
    return Reader(locale, lexicon, Background(compared, lexicon), neighbours, *curves)
