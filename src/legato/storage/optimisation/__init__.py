"""Reads evidence for the monthly review that nothing else needs."""
