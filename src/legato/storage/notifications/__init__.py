"""The outbox of notifications, and where what they tell of is read."""
