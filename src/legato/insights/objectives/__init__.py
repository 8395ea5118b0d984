"""Objectives as they stand: counted, judged, and told of."""
