"""Google's signatures of texts and calls, in the one place Anthropic's clients send back unread.

A client returns thinking blocks as they came. A call's signature stands in one before the call, a
text's in one after it, since in a stream it is known only then. Each is marked as Google's, so
that it is never taken for Anthropic's own, nor the other way round.
"""

from typing import Any

import msgspec

from legato.core.chat import Part, Text, Thinking, ToolUse
from legato.core.foreign import GOOGLE_CALL, GOOGLE_TEXT


def thinking_block() -> dict[str, Any]:
    """Return a block of thinking with nothing in it yet."""
    return {"type": "thinking", "thinking": "", "signature": ""}


def of_call(signature: str) -> str:
    """Return a call's signature marked, nothing for none."""
    return GOOGLE_CALL + signature if signature else ""


def of_text(signature: str) -> str:
    """Return a text's signature marked, nothing for none."""
    return GOOGLE_TEXT + signature if signature else ""


def with_signatures(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return the parts of a turn with Google's signatures back on texts and calls."""
    if not any(
        isinstance(p, Thinking) and p.signature.startswith((GOOGLE_CALL, GOOGLE_TEXT))
        for p in parts
    ):
        return parts
    signed: list[Part] = []
    waiting = ""  # for the next call
    for part in parts:
        if isinstance(part, Thinking) and part.signature.startswith((GOOGLE_CALL, GOOGLE_TEXT)):
            if part.text:
                signed.append(Thinking(part.text))
            if part.signature.startswith(GOOGLE_CALL):
                waiting = part.signature.removeprefix(GOOGLE_CALL)
            else:
                _sign_text(signed, part.signature.removeprefix(GOOGLE_TEXT))
        elif isinstance(part, ToolUse) and waiting:
            signed.append(msgspec.structs.replace(part, signature=waiting))
            waiting = ""
        else:
            signed.append(part)
    return tuple(signed)


def _sign_text(parts: list[Part], signature: str) -> None:
    last = parts[-1] if parts else None
    if isinstance(last, Text) and not last.signature:
        parts[-1] = msgspec.structs.replace(last, signature=signature)
    else:
        parts.append(Text("", None, signature))
