"""Gemini's finish reasons in canonical form."""

from legato.core.chat import StopReason
from legato.core.errors import BadProviderResponse

_FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "OTHER",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "ESCALATION",
        "MODEL_ARMOR",
        "PUP_LIMITED_DISABLED",
    }
)
_LENGTH = frozenset({"MAX_TOKENS", "CONTINUATION"})
_SPOILT = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
        "NO_IMAGE",
    }
)


def stop_reason(finish: str | None, *, used_tools: bool) -> StopReason:
    """Translate; what Google adds later counts as an ordinary end.

    Raises:
        BadProviderResponse: the model spoilt its answer. Told as an end, it would be an answer
            with nothing in it; told so, the gateway tries again.
    """
    if finish in _SPOILT:
        raise BadProviderResponse(f"the model spoilt its answer ({finish})")
    if finish in _LENGTH:
        return StopReason.LENGTH
    if finish in _FILTERED:
        return StopReason.CONTENT_FILTER
    return StopReason.TOOL_USE if used_tools else StopReason.END
