"""promote: evidence -> decision."""
