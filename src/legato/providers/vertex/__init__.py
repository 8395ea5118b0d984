"""Vertex AI: Gemini's dialect with a token that is fetched instead of a key."""

from legato.providers.vertex.provider import Vertex, factory

__all__ = ["Vertex", "factory"]
