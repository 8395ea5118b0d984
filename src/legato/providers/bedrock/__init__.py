"""Amazon Bedrock: Converse, and Anthropic's own bodies through InvokeModel."""

from legato.providers.bedrock.provider import Bedrock, factory

__all__ = ["Bedrock", "factory"]
