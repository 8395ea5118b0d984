"""Which deployment first: pure decisions over what is known about each candidate."""
