"""collect: raw -> records."""
