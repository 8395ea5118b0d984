"""OpenAI's dialect, as OpenAI and the many that followed speak it."""

from legato.providers.openai_compatible.provider import OpenAICompatible, factory

__all__ = ["OpenAICompatible", "factory"]
