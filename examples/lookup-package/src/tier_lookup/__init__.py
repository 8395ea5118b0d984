"""A Legato look-up that reads the tiers of customers from a file."""
