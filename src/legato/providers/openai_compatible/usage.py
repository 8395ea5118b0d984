"""OpenAI's usage report as disjoint classes."""

from typing import Any

import msgspec

from legato.core.usage import Usage
from legato.providers.openai_compatible.wire import (
    CompletionDetails,
    PromptDetails,
    WireUsage,
)

_TOKENS_MAX = 10**12
"""More than any context by far: a report over it is a fault, not a price to pay."""
_NO_PROMPT_DETAILS = PromptDetails()
_NO_COMPLETION_DETAILS = CompletionDetails()


def read_usage(reported: Any) -> Usage | None:
    """Return the usage of a decoded `usage` value, None for anything that is not a report."""
    if not isinstance(reported, dict):
        return None
    try:
        return to_usage(msgspec.convert(reported, WireUsage))
    except msgspec.ValidationError:
        return None


def to_usage(wire: WireUsage) -> Usage | None:
    """Split a report into disjoint classes whose sum is prompt + completion.

    `prompt_tokens` includes cached, audio and image tokens; `completion_tokens` includes
    reasoning. What a provider gets wrong is settled so:

    - no prompt figure, a negative one, or one over a trillion: not a report (None), since a
      guess would look like a bill;
    - details larger than what they are part of are cut to it, in the order of the fields;
    - `total_tokens` is not trusted, as vendors bill the parts, with one exception: xAI counts
      reasoning beside the completion, which shows by total = prompt + completion + reasoning.
    """
    prompt, completion = wire.prompt_tokens, wire.completion_tokens or 0
    if prompt is None and wire.total_tokens is not None:
        prompt = wire.total_tokens - completion
    if prompt is None or not 0 <= prompt <= _TOKENS_MAX or not 0 <= completion <= _TOKENS_MAX:
        return None
    if wire.citation_tokens is not None:
        return _deep_research(wire, prompt, completion)
    details = wire.completion_tokens_details or _NO_COMPLETION_DETAILS
    if not (details.reasoning_tokens or details.audio_tokens or details.image_tokens):
        reasoning = audio_out = image_out = 0
    else:
        reasoning = _part(details.reasoning_tokens, _TOKENS_MAX)
        if reasoning and wire.total_tokens == prompt + completion + reasoning:
            completion += reasoning
        reasoning = min(reasoning, completion)
        audio_out = _part(details.audio_tokens, completion - reasoning)
        image_out = _part(details.image_tokens, completion - reasoning - audio_out)
    inside = wire.prompt_tokens_details or _NO_PROMPT_DETAILS
    cached = inside.cached_tokens
    if cached is None:
        cached = wire.prompt_cache_hit_tokens
    cache_read = _part(wire.cached_tokens if cached is None else cached, prompt)
    left = prompt - cache_read
    cache_write = _part(inside.cache_write_tokens, left)
    left -= cache_write
    audio_in = _part(inside.audio_tokens, left)
    left -= audio_in
    image_in = _part(inside.image_tokens, left)
    return Usage(
        in_uncached=left - image_in,
        cache_read=cache_read,
        cache_write_5m=cache_write,
        out_text=completion - reasoning - audio_out - image_out,
        reasoning=reasoning,
        audio_in=audio_in,
        audio_out=audio_out,
        image_in=image_in,
        image_out=image_out,
    )


def _deep_research(wire: WireUsage, prompt: int, completion: int) -> Usage:
    """Perplexity's research models count what they read and thought beside the total, and bill it.

    What was read for citations is billed like input.
    """
    return Usage(
        in_uncached=prompt + _part(wire.citation_tokens, _TOKENS_MAX),
        out_text=completion,
        reasoning=_part(wire.reasoning_tokens, _TOKENS_MAX),
    )


def _part(tokens: int | None, whole: int) -> int:
    """Return a part, cut to what it is part of; a negative part is none."""
    return min(max(tokens or 0, 0), whole)
