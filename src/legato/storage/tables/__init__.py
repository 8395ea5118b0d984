"""Every table, and what columns are like."""
