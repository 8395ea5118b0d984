"""Measurements of Legato on the machine they run on. `python -m benchmarks --help`."""
