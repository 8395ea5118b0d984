"""The spend journal: append-only segments on local disk, ingested into the ledger."""
