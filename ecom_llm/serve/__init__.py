"""serve: champion -> text."""
