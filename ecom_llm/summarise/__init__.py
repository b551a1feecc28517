"""summarise: a product's reviews -> what buyers praise and fault, each point with the sentences it rests on. No model writes."""
