"""The audit log: appended to within an act's transaction, and read."""
