"""How an effort to reason is told to Anthropic's models: a budget, or left to the model.

What each model takes is what is commonly known of docs.claude.com ("Building with extended
thinking", "Adaptive thinking", "Effort"), not called and not read again: budgets from Claude 3.7
on, of 1,024 tokens at least and below `max_tokens`; from 4.6 on the model decides how long it
thinks, by the effort; an effort itself is taken by Opus 4.5 and by all from 4.6 on.
"""

import re
from typing import Any, NamedTuple

from legato.core.chat import ChatRequest, RedactedThinking, Role, Thinking, ToolResult, ToolUse
from legato.core.foreign import is_foreign

EFFORTS = {"minimal": "low", **{name: name for name in ("low", "medium", "high", "xhigh", "max")}}
"""Efforts of all callers, in Anthropic's words."""
BUDGET_TOKENS_MIN = 1_024
_BUDGETS = {"low": BUDGET_TOKENS_MIN, "medium": 8_192}
_BUDGET_TOKENS_MAX = 24_576
_TOP_P_MIN = 0.95
_FORCED = frozenset({"required", "tool"})
_NAMED = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?(?!\d)")
_NUMBERED = re.compile(r"claude-(?P<major>\d)(?:-(?P<minor>\d))?-(?P<family>[a-z]+)")


class Claude(NamedTuple):
    """What a model's name says: `(4, 5)` and `opus`; no version where it says nothing."""

    version: tuple[int, int] | None
    family: str = ""

    @property
    def thinks(self) -> bool:
        """Whether it can be asked to; a name of somebody's own is taken for a recent model's."""
        return self.version is None or self.version >= (3, 7)

    @property
    def is_adaptive(self) -> bool:
        """Whether it decides itself how long it thinks."""
        return self.version is not None and self.version >= (4, 6)

    @property
    def takes_effort(self) -> bool:
        """Whether it can be told an effort."""
        is_first = self.family == "opus" and self.version == (4, 5)
        return self.version is None or self.is_adaptive or is_first


def claude(model: str) -> Claude:
    """Read a model's name, at Anthropic, Bedrock or elsewhere."""
    found = _NAMED.search(model) or _NUMBERED.search(model)
    if found is None:
        return Claude(None)
    return Claude((int(found["major"]), int(found["minor"] or 0)), found["family"])


def thinking(chat: ChatRequest, model: str, bound: int | None) -> dict[str, Any] | None:
    """Write `thinking` for a request of at most `bound` tokens, None for the model's default.

    An effort switches it on where Anthropic takes it beside the rest of the request: what it
    refuses beside thinking is what was asked for by name, an effort is a wish.
    """
    if chat.thinking_budget_tokens is not None:
        return {"type": "enabled", "budget_tokens": chat.thinking_budget_tokens}
    if chat.reasoning_effort == "none":
        return {"type": "disabled"}
    named = claude(model)
    effort = EFFORTS.get(chat.reasoning_effort or "")
    if effort is None or not named.thinks or not _may_think(chat):
        return None
    if named.is_adaptive:
        return {"type": "adaptive"}
    budget = _BUDGETS.get(effort, _BUDGET_TOKENS_MAX)
    if bound is not None:
        budget = max(BUDGET_TOKENS_MIN, min(budget, bound // 2))
        if budget >= bound:
            return None
    return {"type": "enabled", "budget_tokens": budget}


def effort(chat: ChatRequest, model: str) -> str | None:
    """Return the effort in Anthropic's words, None where the model takes none."""
    return EFFORTS.get(chat.reasoning_effort or "") if claude(model).takes_effort else None


def _may_think(chat: ChatRequest) -> bool:
    samples = (
        (chat.temperature is not None and chat.temperature < 1)
        or (chat.top_p is not None and chat.top_p < _TOP_P_MIN)
        or chat.top_k is not None
    )
    choice = chat.tool_choice
    is_forced = bool(chat.tools) and choice is not None and choice.mode in _FORCED
    return not samples and not is_forced and not _lost_its_thoughts(chat)


def _lost_its_thoughts(chat: ChatRequest) -> bool:
    """Tell whether the turn under way holds calls whose signed thoughts didn't come back."""
    for message in reversed(chat.messages):
        if message.role is Role.USER:
            if not all(isinstance(part, ToolResult) for part in message.parts):
                return False
        elif any(isinstance(part, ToolUse) for part in message.parts):
            signed = any(
                (isinstance(part, RedactedThinking) and not is_foreign(part.data))
                or (isinstance(part, Thinking) and bool(part.signature))
                for part in message.parts
            )
            if not signed:
                return True
    return False
