"""Anthropic request bodies from a caller's body of the same dialect."""

from typing import Any

from legato.core.foreign import is_foreign
from legato.providers.anthropic.cache_hints import marked
from legato.providers.base import NOT_REPEATED, Target

_SEALED = {"thinking": "signature", "redacted_thinking": "data"}


def messages_body(body: dict[str, Any], target: Target) -> dict[str, Any]:
    """Return a shallow copy with the provider's model and, where a budget holds, the bound."""
    wire = {**body, "model": target.model, "messages": _own(body["messages"])}
    if target.output_tokens_max is not None:
        wire["max_tokens"] = target.output_tokens_max
    return wire if target.repeated is NOT_REPEATED else marked(wire, target.repeated)


def count_tokens_body(body: dict[str, Any], target: Target) -> dict[str, Any]:
    """Return a shallow copy with the provider's model."""
    return {**body, "model": target.model, "messages": _own(body["messages"])}


def _own(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages without what another vendor sealed; with nothing of it, the same."""
    if not any(_is_foreign(block) for message in messages for block in _blocks(message)):
        return messages
    own = []
    for message in messages:
        kept = [block for block in _blocks(message) if not _is_foreign(block)]
        if len(kept) == len(_blocks(message)):
            own.append(message)
        elif kept:
            own.append({**message, "content": kept})
    return own


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return content if message["role"] == "assistant" and isinstance(content, list) else []


def _is_foreign(block: dict[str, Any]) -> bool:
    sealed = _SEALED.get(block["type"])
    return sealed is not None and is_foreign(block.get(sealed))
