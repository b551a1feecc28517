"""registry: the only client of MLflow's registry; model versions, their evidence and their aliases."""

from ecom_llm.registry.champions import promote, rollback, withdraw
from ecom_llm.registry.connection import artifact_root, embedded_uri
from ecom_llm.registry.recording import Candidate, curve_points, lock_key
from ecom_llm.registry.sweeps import SweepRuns, open_sweep_runs
from ecom_llm.registry.versions import Registry, Version, open_registry

__all__ = [
    "Candidate",
    "Registry",
    "SweepRuns",
    "Version",
    "artifact_root",
    "curve_points",
    "embedded_uri",
    "lock_key",
    "open_registry",
    "open_sweep_runs",
    "promote",
    "rollback",
    "withdraw",
]
