"""Anthropic's usage report as disjoint classes."""

from typing import Any

import msgspec

from legato.core.usage import Usage
from legato.providers.anthropic.wire import CacheCreation, OutputDetails, WireUsage

_TOKENS_MAX = 10**12
"""More than any context by far: a report over it is a fault, not a price to pay."""
_NO_CREATION = CacheCreation()
_NO_DETAILS = OutputDetails()


def read_wire(reported: Any) -> WireUsage | None:
    """Return a decoded `usage` value typed, None for anything that is not a report."""
    if not isinstance(reported, dict):
        return None
    try:
        return msgspec.convert(reported, WireUsage)
    except msgspec.ValidationError:
        return None


def merge(earlier: WireUsage | None, later: WireUsage) -> WireUsage:
    """Return the later, cumulative report, with the earlier one where it is silent."""
    if earlier is None:
        return later
    fields = {
        name: value
        for name in WireUsage.__struct_fields__
        if (value := getattr(later, name)) is not None
    }
    return msgspec.structs.replace(earlier, **fields)


def to_usage(wire: WireUsage) -> Usage | None:
    """Split a report into disjoint classes.

    Cache writes of no stated lifetime are the 5-minute kind, Anthropic's default. Without an
    input or output figure, or with one below 0 or over a trillion, it is no report (None);
    details larger than what they are part of are cut to it.
    """
    cache_read = wire.cache_read_input_tokens or 0
    written = _written(wire)
    for figure in (wire.input_tokens, wire.output_tokens, cache_read, written):
        if figure is None or not 0 <= figure <= _TOKENS_MAX:
            return None
    output = wire.output_tokens or 0
    reasoning = _part((wire.output_tokens_details or _NO_DETAILS).thinking_tokens, output)
    long = _part((wire.cache_creation or _NO_CREATION).ephemeral_1h_input_tokens, written)
    return Usage(
        in_uncached=wire.input_tokens or 0,
        cache_read=cache_read,
        cache_write_5m=written - long,
        cache_write_1h=long,
        out_text=output - reasoning,
        reasoning=reasoning,
    )


def _written(wire: WireUsage) -> int:
    """Cache writes of all lifetimes; the breakdown counts only where the total is missing."""
    if wire.cache_creation_input_tokens is not None or wire.cache_creation is None:
        return wire.cache_creation_input_tokens or 0
    creation = wire.cache_creation
    return (creation.ephemeral_5m_input_tokens or 0) + (creation.ephemeral_1h_input_tokens or 0)


def _part(tokens: int | None, whole: int) -> int:
    """Return a part, cut to what it is part of; a negative part is none."""
    return min(max(tokens or 0, 0), whole)
