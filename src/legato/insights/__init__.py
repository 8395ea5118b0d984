"""What callers make of their answers, for those who decide by it."""
