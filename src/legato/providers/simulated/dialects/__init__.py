"""The vendors' wire formats the simulated server answers in."""
