"""Bedrock's token usage as disjoint classes, and its reasons to stop."""

from typing import Any

from legato.core.chat import StopReason
from legato.core.errors import BadProviderResponse
from legato.core.usage import Usage

_TOKENS_MAX = 10**12
_STOP_REASONS = {
    "end_turn": StopReason.END,
    "tool_use": StopReason.TOOL_USE,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "guardrail_intervened": StopReason.CONTENT_FILTER,
    "content_filtered": StopReason.CONTENT_FILTER,
    "refusal": StopReason.REFUSAL,
}
_MALFORMED = frozenset({"malformed_model_output", "malformed_tool_use"})


def read_usage(wire: Any) -> Usage | None:
    """Return the usage of a `TokenUsage`, None for what is no report.

    `inputTokens` excludes what the cache served or took in. Writes of no stated lifetime are
    the 5-minute kind, the default.
    """
    if not isinstance(wire, dict):
        return None
    figures = [
        wire.get(name) or 0
        for name in ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    ]
    if "inputTokens" not in wire or "outputTokens" not in wire:
        return None
    for figure in figures:
        if type(figure) is not int or not 0 <= figure <= _TOKENS_MAX:
            return None
    given, written_out, read, written = figures
    long = min(_written_for_an_hour(wire.get("cacheDetails")), written)
    return Usage(
        in_uncached=given,
        cache_read=read,
        cache_write_5m=written - long,
        cache_write_1h=long,
        out_text=written_out,
    )


def stop_reason(wire: str | None) -> StopReason:
    """Translate; what AWS adds later counts as an ordinary end.

    Raises:
        BadProviderResponse: the model's output could not be read by Bedrock itself.
    """
    if wire in _MALFORMED:
        raise BadProviderResponse(f"the model's output was malformed ({wire})")
    return _STOP_REASONS.get(wire or "end_turn", StopReason.END)


def _written_for_an_hour(details: Any) -> int:
    if not isinstance(details, list):
        return 0
    parts = [one for one in details if isinstance(one, dict) and one.get("ttl") == "1h"]
    return sum(max(one["inputTokens"], 0) for one in parts if type(one.get("inputTokens")) is int)
