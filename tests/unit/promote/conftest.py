"""Entrants whose numbers were made up are no matter for the sanity rules, which have tests of their own."""

import pytest

from ecom_llm.promote import gate


@pytest.fixture
def rules_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate without its sanity rules: it would tell that made-up metrics do not follow from made-up outputs."""
    monkeypatch.setattr(gate, "sanity_checks", lambda candidate, rules: [])
