"""Cohere's own interface: chat, embeddings and rerank of its version 2."""

from legato.providers.cohere.provider import factory

__all__ = ["factory"]
