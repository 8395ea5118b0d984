"""Policies as a worker applies them: detectors, topics, checks of answers."""
