"""Near-duplicate texts: of texts that are nearly the same one is kept, and what leaked between splits is listed.

Two texts are near-copies when the Jaccard similarity of their sets of shingles reaches a threshold (`nearness`,
`shingles`). Which texts may have a near-copy at all is found by MinHash-LSH on Daft (`buckets`) and, for the texts
that a model is judged by, exactly (`screen`); those few are compared (`search`) and one of each group kept (`keep`).
"""
