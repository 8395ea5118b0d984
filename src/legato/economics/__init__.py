"""Cost, prices, baselines: pure functions of usage and a price version."""
