"""A version's chain: from the weights' bytes to the data they were learned from, each link checked offline."""
