"""Commands of the books beside the ledger, and of plans."""
