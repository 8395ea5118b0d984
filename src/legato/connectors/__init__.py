"""Tools that workflows and agents use, and what they are reached by."""
