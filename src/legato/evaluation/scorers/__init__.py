"""The scorers, a few to a file; `table.py` finds one by its name."""
