"""The proof of power on made-up models: seeds that differ truly, each with a worse copy; a gate that errs fails it."""

from dataclasses import replace
from random import Random
from types import SimpleNamespace

import pytest

from ecom_llm.params import Promote
from ecom_llm.promote.gate import Entrant
from proofs import power
from tests.unit.promote.test_gate import RULES, entrant

pytestmark = pytest.mark.usefixtures("rules_alone")
MODELS = 6


def model(seed: int, worse: float, spread: float) -> Entrant:
    """About 1 bit per byte, by the seed some more or less; a worse copy needs more for every example, though not the same."""
    rng = Random(seed)
    shift, noise = rng.gauss(0, spread), [rng.gauss(0, 0.3) for _ in range(40)]
    made = entrant("1", bits=lambda number: 10 + shift + noise[number] + worse * (1 + number % 2 / 10))
    return replace(made, version=f"{'worse' if worse else 'good'}-{seed}")


def proved(monkeypatch, folder, spread: float, least: float) -> int:
    """The proof's exit code on models whose seeds differ by so much, by a gate that asks for so much."""
    pairs = [(model(seed, 0.0, spread), model(seed, 1.0, spread)) for seed in range(MODELS)]
    monkeypatch.setattr(power, "models", lambda folder, count: pairs)
    rules = Promote.model_validate({**RULES, "min_improvement": least})
    monkeypatch.setattr(power, "params_of", lambda seed: SimpleNamespace(promote=rules))
    return power.prove(folder, MODELS)


def test_equals_are_not_promoted_and_better_ones_are(monkeypatch, tmp_path, capsys):
    assert proved(monkeypatch, tmp_path, spread=0.03, least=0.02) == 0
    told = capsys.readouterr().out
    assert "equals: 0 of 30 promoted" in told and "better than their champion: 6 of 6 promoted" in told
    assert "PROOF power tried=36 failed=0" in told


def test_a_gate_that_changes_champions_for_a_seed_fails(monkeypatch, tmp_path, capsys):
    assert proved(monkeypatch, tmp_path, spread=0.3, least=0.0) == 1
    assert "better than their champion: 6 of 6 promoted" in capsys.readouterr().out


def test_a_gate_that_keeps_better_models_out_fails(monkeypatch, tmp_path, capsys):
    assert proved(monkeypatch, tmp_path, spread=0.03, least=0.2) == 1
    assert "better than their champion: 0 of 6 promoted" in capsys.readouterr().out
