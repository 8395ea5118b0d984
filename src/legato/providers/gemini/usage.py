"""Gemini's usage report as disjoint classes."""

from typing import Any

import msgspec

from legato.core.usage import Usage
from legato.providers.gemini.wire import Modalities, WireUsage

_TOKENS_MAX = 10**12
"""More than any context by far: a report over it is a fault, not a price to pay."""


def read_usage(reported: Any) -> Usage | None:
    """Split `usageMetadata` into disjoint classes, None for anything that is not a report.

    Video and documents count as text: Google prices them so. What tools put into the prompt is
    input like any other. Details larger than what they are part of are cut to it.
    """
    if not isinstance(reported, dict) or "promptTokenCount" not in reported:
        return None
    try:
        wire = msgspec.convert(reported, WireUsage)
    except msgspec.ValidationError:
        return None
    figures = (
        wire.prompt_token_count,
        wire.cached_content_token_count,
        wire.candidates_token_count,
        wire.thoughts_token_count,
        wire.tool_use_prompt_token_count,
    )
    if not all(0 <= (figure or 0) <= _TOKENS_MAX for figure in figures):
        return None
    return _to_usage(wire)


def _to_usage(wire: WireUsage) -> Usage:
    prompt, thoughts = wire.prompt_token_count or 0, wire.thoughts_token_count or 0
    cached = min(wire.cached_content_token_count or 0, prompt)
    fresh = prompt - cached
    audio_in = min(_fresh(wire, "AUDIO"), fresh)
    image_in = min(_fresh(wire, "IMAGE"), fresh - audio_in)
    said = _without_thoughts(wire)
    audio_out = min(_of(wire.candidates_tokens_details, "AUDIO"), said)
    image_out = min(_of(wire.candidates_tokens_details, "IMAGE"), said - audio_out)
    return Usage(
        in_uncached=fresh - audio_in - image_in + (wire.tool_use_prompt_token_count or 0),
        cache_read=cached,
        out_text=said - audio_out - image_out,
        reasoning=thoughts,
        audio_in=audio_in,
        audio_out=audio_out,
        image_in=image_in,
        image_out=image_out,
    )


def _without_thoughts(wire: WireUsage) -> int:
    """Candidates are told without thoughts; where the total says otherwise, take them out."""
    candidates, thoughts = wire.candidates_token_count or 0, wire.thoughts_token_count or 0
    read = (wire.prompt_token_count or 0) + (wire.tool_use_prompt_token_count or 0)
    includes = 0 < thoughts <= candidates and wire.total_token_count == read + candidates
    return candidates - thoughts if includes else candidates


def _fresh(wire: WireUsage, modality: str) -> int:
    """Prompt tokens of a modality that weren't cached."""
    cached = _of(wire.cache_tokens_details, modality)
    return max(0, _of(wire.prompt_tokens_details, modality) - cached)


def _of(details: Modalities, modality: str) -> int:
    counts = (entry.token_count or 0 for entry in details or () if entry.modality == modality)
    return max(0, sum(counts))
