"""Scheduled reports as they are kept, and what was made of them."""
