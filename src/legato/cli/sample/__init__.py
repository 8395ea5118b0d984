"""Commands of sample data."""
