"""Scores how much a text tries to turn a model against its instructions. Flags; never grants."""
