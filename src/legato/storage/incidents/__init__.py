"""Incidents as they are kept."""
