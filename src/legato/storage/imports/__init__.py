"""Usage that other reports tell of."""
