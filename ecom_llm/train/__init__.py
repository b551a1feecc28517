"""train: examples -> model."""
