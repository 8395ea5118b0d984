"""OpenAI request bodies from a caller's body of the same dialect."""

from typing import Any

from legato.core.errors import InvalidRequest
from legato.core.wire import RequestView
from legato.providers.base import Target
from legato.providers.openai_compatible import mistral
from legato.providers.openai_compatible.presets import Preset


def chat_body(
    body: dict[str, Any], view: RequestView, target: Target, preset: Preset
) -> dict[str, Any]:
    """Return a shallow copy with the provider's model, usage asked for and the output bounded."""
    wire = {**body, "model": target.model}
    if view.stream and preset.stream_usage:
        wire["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    elif not preset.stream_usage:
        wire.pop("stream_options", None)
    fit(wire, preset, drop_unsupported=target.drop_unsupported)
    if target.output_tokens_max is not None:
        wire[preset.output_bound] = target.output_tokens_max
    return wire


def fit(wire: dict[str, Any], preset: Preset, *, drop_unsupported: bool) -> None:
    """Put a body of OpenAI's into the vendor's words, in place; nested values are copied.

    Raises:
        InvalidRequest: naming a field the vendor hasn't, unless such may be dropped.
    """
    for known_to_caller, known_to_vendor in preset.renames.items():
        if known_to_caller in wire:
            value = wire.pop(known_to_caller)
            if wire.get(known_to_vendor) is None:
                wire[known_to_vendor] = value
    for label in preset.labels:
        wire.pop(label, None)
    for field in preset.unsupported:
        if field not in wire:
            continue
        value = wire.pop(field)
        if drop_unsupported or value in _ASKS_FOR_NOTHING or (field, value) in _NEUTRAL:
            continue
        raise InvalidRequest(f"{field}: the provider behind this model has none", param=field)
    if preset.mistral_messages:
        wire["messages"] = mistral.messages(wire["messages"])


# Tuples, not sets: what a caller sends may not be hashable. 0 is False here, and a seed.
_ASKS_FOR_NOTHING: tuple[Any, ...] = (None, "", [], {})
_NEUTRAL: tuple[tuple[str, Any], ...] = (
    ("n", 1),
    ("tool_choice", "auto"),
    ("logprobs", False),
    ("top_logprobs", 0),
)


def completions_body(
    body: dict[str, Any], view: RequestView, target: Target, preset: Preset
) -> dict[str, Any]:
    """Return a shallow copy as for a chat; the bound has its old name everywhere."""
    wire = {**body, "model": target.model}
    if view.stream and preset.stream_usage:
        wire["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    elif not preset.stream_usage:
        wire.pop("stream_options", None)
    if target.output_tokens_max is not None:
        wire["max_tokens"] = target.output_tokens_max
    return wire


def plain_body(body: dict[str, Any], target: Target) -> dict[str, Any]:
    """Return a shallow copy with the provider's model."""
    return {**body, "model": target.model}
