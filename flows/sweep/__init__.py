"""Sweeps: several trainings on one snapshot, the best of which is registered and judged like any run."""
