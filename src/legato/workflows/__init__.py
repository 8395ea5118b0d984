"""What runs for longer than a request, and outlives the process that began it."""
