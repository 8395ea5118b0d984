"""The ledger, the journal, prices and figures."""
