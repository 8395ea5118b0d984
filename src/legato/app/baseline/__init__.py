"""The world before: what was imported, what it cost, what would change."""
