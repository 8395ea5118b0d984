"""Leases from a store that speaks Redis' protocol, for clusters; the ledger stays the truth."""
