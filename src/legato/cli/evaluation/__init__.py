"""Data sets, evaluations, judges, reviews, scores and feedback."""
