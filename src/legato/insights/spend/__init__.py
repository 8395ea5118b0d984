"""What the ledger says, as figures: each with its definition and the query that makes it."""
