"""Checks of answers: pure, and the same for whole answers and for streams."""
