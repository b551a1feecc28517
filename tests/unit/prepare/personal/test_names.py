"""names: Presidio is asked for rightly, and what is missing is said with the command that installs it."""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pyarrow as pa
import pytest

from ecom_llm.prepare.personal import names
from ecom_llm.records import UserError


def known(monkeypatch, *present: str):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace() if name in present else None)


def test_a_language_without_a_model_is_named():
    with pytest.raises(UserError, match=r"'fr-FR'.*en, zh"):
        names.scrub_names(pa.array(["Bonjour"]), ["fr-FR"])


def test_presidio_missing(monkeypatch):
    known(monkeypatch)
    with pytest.raises(UserError, match="pip install presidio-analyzer"):
        names.scrub_names(pa.array(["Jane"]), ["en"])


def test_only_the_missing_models_are_asked_for(monkeypatch):
    known(monkeypatch, "presidio_analyzer", "en_core_web_sm")
    with pytest.raises(UserError, match=r"pip install https://\S+/zh_core_web_sm-\S+\.whl$"):
        names.scrub_names(pa.array(["Jane", "张三"]), ["en-GB", "zh"])


class Engine:
    """Finds Jane, Jane Doe and Leeds, and takes a placeholder for a person, as models do."""

    def __init__(self, nlp_engine, supported_languages):
        assert nlp_engine == supported_languages == ["en"]

    def analyze(self, text, language, entities):
        assert (language, entities) == ("en", ["PERSON", "LOCATION"])
        wanted = [
            ("Jane", "PERSON", 0.5),
            ("Jane Doe", "PERSON", 0.9),
            ("Leeds", "LOCATION", 0.8),
            ("[PHONE]", "PERSON", 1),
        ]
        return [
            SimpleNamespace(start=text.index(word), end=text.index(word) + len(word), entity_type=kind, score=score)
            for word, kind, score in wanted
            if word in text
        ]


def test_persons_and_places_are_replaced_and_placeholders_are_not(monkeypatch):
    known(monkeypatch, "presidio_analyzer", "en_core_web_sm")
    provider = SimpleNamespace(create_engine=lambda: ["en"])
    monkeypatch.setitem(sys.modules, "presidio_analyzer", module("presidio_analyzer", AnalyzerEngine=Engine))
    engines = module("presidio_analyzer.nlp_engine", NlpEngineProvider=lambda nlp_configuration: provider)
    monkeypatch.setitem(sys.modules, "presidio_analyzer.nlp_engine", engines)
    texts = pa.array(["Jane Doe, Leeds: [PHONE]", None, "Nice lamp"])
    assert names.scrub_names(texts, ["en", "en-GB", "en"]).to_pylist() == [
        "[NAME], [ADDRESS]: [PHONE]",
        None,
        "Nice lamp",
    ]


def module(name: str, **members: object) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(members)
    return made
