"""Readers of vendors' exports: usage, costs, invoices, and logs of calls."""
