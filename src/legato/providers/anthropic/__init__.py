"""Anthropic's dialect: messages and token counts."""

from legato.providers.anthropic.provider import Anthropic, factory

__all__ = ["Anthropic", "factory"]
