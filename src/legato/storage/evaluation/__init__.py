"""Data sets, runs, reviews, scores and feedback."""
