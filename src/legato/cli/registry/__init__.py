"""Versions and labels, rollouts, holdouts, proposals."""
