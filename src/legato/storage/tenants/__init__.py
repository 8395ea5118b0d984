"""Organisations, their teams and features, keys and credentials."""
