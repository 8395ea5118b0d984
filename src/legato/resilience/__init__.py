"""When to try again, when to stop trying: pure decisions."""
