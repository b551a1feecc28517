"""human: two sets of texts -> blind studies -> what people prefer, with intervals: evidence that no program can give."""
