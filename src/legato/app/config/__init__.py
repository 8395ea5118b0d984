"""Reads the configuration: its files, its types, its secrets, and where each value is from."""
