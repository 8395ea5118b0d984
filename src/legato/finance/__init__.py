"""The books that people keep beside the ledger, and what a plan makes of both."""
