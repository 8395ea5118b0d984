"""Policies, scans, samples, and the check with adversarial requests."""
