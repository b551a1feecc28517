"""The commands about blind studies, in which people judge what models write."""
