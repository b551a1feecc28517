"""The data card: what a preparation's examples are, counted in one pass, and how they differ from an earlier version's."""
