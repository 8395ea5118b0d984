"""Anthropic request bodies from a caller's body of the same dialect."""

from typing import Any

from legato.providers.base import Target


def messages_body(body: dict[str, Any], target: Target) -> dict[str, Any]:
    """Return a shallow copy with the provider's model and, where a budget holds, the bound."""
    wire = {**body, "model": target.model}
    if target.output_tokens_max is not None:
        wire["max_tokens"] = target.output_tokens_max
    return wire


def count_tokens_body(body: dict[str, Any], target: Target) -> dict[str, Any]:
    """Return a shallow copy with the provider's model."""
    return {**body, "model": target.model}
