"""Cohere's usage report as disjoint classes.

`billed_units` is what the invoice says, `tokens` what went through the model with its template:
the first counts where it is given. Cached tokens are counted but not priced apart.
"""

from typing import Any

import msgspec

from legato.core.usage import Usage

_TOKENS_MAX = 10**12
"""More than any context by far: a report over it is a fault, not a price to pay."""


class _Units(msgspec.Struct, frozen=True):
    input_tokens: float | None = None
    output_tokens: float | None = None
    image_tokens: float | None = None
    search_units: float | None = None


class _Report(msgspec.Struct, frozen=True):
    billed_units: _Units | None = None
    tokens: _Units | None = None
    cached_tokens: float | None = None


def read_usage(reported: Any) -> Usage | None:
    """Return the usage of a decoded `usage` or `meta`, None for anything that is no report."""
    try:
        report = msgspec.convert(reported, _Report)
    except msgspec.ValidationError:
        return None
    units = report.billed_units or report.tokens
    if units is None:
        return None
    figures = (units.input_tokens, units.output_tokens, units.image_tokens, units.search_units)
    if all(figure is None for figure in figures):
        return None
    if not all(0 <= (figure or 0) <= _TOKENS_MAX for figure in figures):
        return None
    read, written, seen, searched = (round(figure or 0) for figure in figures)
    cached = min(max(round(report.cached_tokens or 0), 0), read)
    return Usage(
        in_uncached=read - cached,
        cache_read=cached,
        out_text=written,
        image_in=seen,
        units=searched,
    )
