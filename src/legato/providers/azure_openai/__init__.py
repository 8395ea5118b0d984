"""OpenAI's models at Azure: OpenAI's dialect under Azure's addresses and credentials."""

from legato.providers.azure_openai.provider import AzureOpenAI, factory

__all__ = ["AzureOpenAI", "factory"]
