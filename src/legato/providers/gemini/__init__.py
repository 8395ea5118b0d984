"""Gemini's dialect, at Google AI Studio and at Vertex AI: chat, embeddings, token counts."""

from legato.providers.gemini.provider import Gemini, factory

__all__ = ["Gemini", "factory"]
