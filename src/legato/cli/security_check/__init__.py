"""Adversarial cases, run against an operator's own configuration."""
