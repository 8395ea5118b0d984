"""Versions, labels and rollouts as people change them, and prompts as the request path has them."""
