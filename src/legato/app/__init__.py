"""Puts Legato together: configuration, data directory, supervisor, workers."""
