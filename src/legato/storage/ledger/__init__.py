"""From the journal's records to ledger entries, and what is read of these."""
