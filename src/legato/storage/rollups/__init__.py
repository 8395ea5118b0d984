"""Sums over the ledger, kept by hour and by day, so that nobody reads all of it to see a total."""
