"""What outlives a request: batches, who runs them, calls that have their effect once."""
