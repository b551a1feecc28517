"""A recommender in a folder of its model: JSON and safetensors, no code and no pickle. Equal recommenders are equal bytes."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ecom_llm.records import UserError
from ecom_llm.train.recommender.features import FEATURES
from ecom_llm.train.recommender.recommender import Recommender, Shelf
from ecom_llm.train.recommender.rows import Rows
from ecom_llm.train.recommender.statistics import Statistics

FOLDER = "recommender"
"""Within a model's folder."""
SETTINGS, COUNTS = "recommender.json", "purchases.safetensors"


def save(recommender: Recommender, folder: Path) -> None:
    """Write titles and weights as JSON and counts as safetensors."""
    folder.mkdir(parents=True)
    settings, counts = {}, {}
    for locale, shelf in recommender.shelves.items():
        settings[locale] = {"weights": dict(shelf.weights), "titles": shelf.titles}
        after, people = shelf.statistics.after, shelf.statistics.people
        counts |= {
            f"{locale}.bought": shelf.statistics.bought,
            f"{locale}.start": after.start,
            f"{locale}.column": after.column,
            f"{locale}.after": after.value,
            f"{locale}.people": people.value,
        }
    (folder / SETTINGS).write_text(json.dumps(settings, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    save_file(counts, folder / COUNTS)


def load(model: Path) -> Recommender | None:
    """The recommender of a model's folder; None where it has none.

    Raises:
        UserError: it is damaged, or of another version of this code.
    """
    folder = model / FOLDER
    if not folder.is_dir():
        return None
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        counts = load_file(folder / COUNTS)
        shelves = {locale: shelf_of(locale, told, counts) for locale, told in settings.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        fault = " ".join(f"{type(error).__name__} {error}".split())
        raise UserError(f"{folder}: cannot be read as a recommender ({fault}). Train the model again.") from error
    return Recommender(shelves)


def shelf_of(locale: str, told: Mapping[str, object], counts: Mapping[str, np.ndarray]) -> Shelf:
    """One locale of what `save` wrote."""
    titles, weights = tuple(told["titles"]), told["weights"]
    if list(weights) != list(FEATURES):
        raise ValueError(f"weights of {', '.join(weights)}; expected {', '.join(FEATURES)}")
    start, column = counts[f"{locale}.start"], counts[f"{locale}.column"]
    after, people = (Rows(start, column, counts[f"{locale}.{name}"]) for name in ("after", "people"))
    bought_of = counts[f"{locale}.bought"]
    if len(start) != len(titles) + 1 or len(bought_of) != len(titles):
        raise ValueError(f"counts of {len(bought_of)} items and {len(titles)} titles in {locale}")
    return Shelf(locale, titles, Statistics(bought_of, after, people), weights)
