"""Spend that isn't as it was: what is unusual for the hour of the week, and why it changed."""
