"""Keys, the vault, the audit log, captures and erasure."""
