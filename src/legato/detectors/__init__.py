"""Detectors of guardrails: which there are, and how those that take long are run."""
