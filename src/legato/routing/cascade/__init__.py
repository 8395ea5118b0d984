"""A cascade: whether an answer of a cheap deployment will do, or the next one is asked."""
