"""prepare: records -> examples."""
