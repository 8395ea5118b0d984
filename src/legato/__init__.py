"""Legato: an AI orchestration control plane that makes AI spend accountable."""

__version__ = "0.1.0"
