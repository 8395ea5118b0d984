"""Whether a version or a model is good: cases, scorers, runs over them, and what they prove."""
