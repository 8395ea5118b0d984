"""What begins runs by itself: webhooks, times, messages, events."""
