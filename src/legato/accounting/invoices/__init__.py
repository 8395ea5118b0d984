"""What vendors bill, beside what the ledger has: every difference with its cause."""
