"""The monthly review: reads what the evidence is, and judges it."""
