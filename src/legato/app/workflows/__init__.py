"""Workflows wired: which kinds of nodes there are, what runs them, what people start them by."""
