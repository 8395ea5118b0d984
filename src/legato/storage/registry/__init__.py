"""Versions, labels, rollouts and what they proved."""
