"""What KPIs are told by beside the ledger, and what is set for them."""
