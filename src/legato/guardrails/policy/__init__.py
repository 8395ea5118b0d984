"""Policies of guardrails: what they must be, and what they say of what was found."""
