"""evaluate: model -> evidence."""
