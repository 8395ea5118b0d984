"""Anthropic's dialect in front: messages and token counts."""
