"""What people do with data before and beside a run: look at it, add it, compare and restore its versions."""
