"""Names and postal addresses by Presidio: an option, reported and not promised; a model guesses where no form tells."""

import importlib.util
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from ecom_llm.records import UserError

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, RecognizerResult

MODELS = {"en": "en_core_web_sm", "zh": "zh_core_web_sm"}
"""Language -> spaCy's small pipeline for it."""
SIGNS = {"PERSON": "[NAME]", "LOCATION": "[ADDRESS]"}
"""Presidio's entity -> what replaces it in the text."""
RELEASES = "https://github.com/explosion/spacy-models/releases/download"
PLACEHOLDER = re.compile(r"\[[A-Z]+(?:_[A-Z]+)*\]")


def _language(tag: str) -> str:
    """The model's language for a BCP 47 tag, such as `zh` for `zh-CN`."""
    language = tag.split("-")[0].lower()
    if language not in MODELS:
        raise UserError(f"names and addresses: no model for texts in {tag!r}; expected one of: {', '.join(MODELS)}")
    return language


def _require(languages: Sequence[str]) -> None:
    """Raise UserError where Presidio or a spaCy model is missing; asked first, because Presidio would download models."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        raise UserError(
            "names and addresses: presidio-analyzer is not installed. Install it: pip install presidio-analyzer spacy"
        )
    # find_spec does not import: a model's package takes seconds to load.
    missing = [MODELS[language] for language in languages if importlib.util.find_spec(MODELS[language]) is None]
    if missing:
        wheels = " ".join(f"{RELEASES}/{name}-3.8.0/{name}-3.8.0-py3-none-any.whl" for name in missing)
        raise UserError(
            f"names and addresses: the spaCy model {' and '.join(missing)} is not installed "
            f"(the package index does not have it). Install it: pip install {wheels}"
        )


def _engine(languages: Sequence[str]) -> "AnalyzerEngine":
    # Imported here: an option that most shops leave out must cost them neither the install nor the seconds.
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    models = [{"lang_code": language, "model_name": MODELS[language]} for language in languages]
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    return AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=list(languages))


def _replaced(text: str, results: list["RecognizerResult"]) -> str:
    """The surest findings first; none over another, and none over a placeholder that already stands in the text."""
    # Models take [PHONE] for a name now and then.
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    chosen = []
    for result in sorted(results, key=lambda result: (-result.score, result.start, -result.end)):
        if all(result.end <= start or result.start >= end for start, end in taken):
            taken.append((result.start, result.end))
            chosen.append(result)
    for result in sorted(chosen, key=lambda result: -result.start):
        text = text[: result.start] + SIGNS[result.entity_type] + text[result.end :]
    return text


def scrub_names(texts: pa.Array | pa.ChunkedArray, languages: Sequence[str]) -> pa.Array:
    """Replace what Presidio takes for persons and places by `[NAME]` and `[ADDRESS]`.

    Args:
        texts: strings; nulls stay null.
        languages: the BCP 47 tag of each text, as many as texts.

    Raises:
        UserError: a language without a model; Presidio or a spaCy model is not installed.
    """
    spoken = [_language(tag) for tag in languages]
    asked = sorted(set(spoken))
    _require(asked)
    engine = _engine(asked)
    scrubbed = [
        text and _replaced(text, engine.analyze(text=text, language=language, entities=list(SIGNS)))
        for text, language in zip(texts.to_pylist(), spoken, strict=True)
    ]
    return pa.array(scrubbed, type=texts.type)
