"""Anthropic's stop reasons in canonical form."""

from legato.core.chat import StopReason

_STOP_REASONS = {
    "end_turn": StopReason.END,
    "pause_turn": StopReason.END,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "tool_use": StopReason.TOOL_USE,
    "refusal": StopReason.REFUSAL,
}


def stop_reason(wire: str | None) -> StopReason:
    """Translate; what Anthropic adds later counts as an ordinary end."""
    return _STOP_REASONS.get(wire or "end_turn", StopReason.END)
