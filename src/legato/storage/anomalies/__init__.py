"""Anomalies of spend, and the hours they are found in."""
