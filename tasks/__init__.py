"""Thin Prefect tasks and the snapshot workspaces they run in: the only part that speaks to DVC."""
