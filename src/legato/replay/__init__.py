"""Recorded traffic again: as it was, or in another world."""
