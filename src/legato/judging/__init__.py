"""Judges: what they are asked, what their words mean, and how far they agree with people."""
