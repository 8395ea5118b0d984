"""Workflows from a terminal: runs, tools, tasks for people, triggers."""
