"""Rows of the financial model."""
