"""Objectives as they are kept: their versions, their events, their alerts."""
