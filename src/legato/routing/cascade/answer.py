"""What of an answer is checked: its text, and how sure the model says it is.

Of whole answers and of recorded streams, of chat completions and of messages.
"""

import math
from collections.abc import Iterator
from typing import Any, Final

import msgspec

_decode = msgspec.json.Decoder().decode
_DATA: Final = b"data:"
_END: Final = b"[DONE]"
_CUT: Final = frozenset({"length", "max_tokens"})
_WITHHELD: Final = frozenset({"content_filter", "refusal"})


class Said(msgspec.Struct, frozen=True):
    """What an answer says. `confidence` (0 to 1) is None where the model doesn't say.

    `calls_tools`: the caller is to act first, so there is nothing to judge yet.
    """

    text: str
    calls_tools: bool = False
    cut: bool = False
    withheld: bool = False
    confidence: float | None = None


class Unreadable(Exception):
    """An answer of no known form."""


def said_in(body: bytes, *, frames: bool) -> Said:
    """Read an answer as its caller gets it. Raises Unreadable."""
    try:
        parts = list(_pieces(body)) if frames else [_whole(_decode(body))]
    except (msgspec.DecodeError, UnicodeError, RecursionError, AttributeError, TypeError, KeyError):
        raise Unreadable from None
    text = "".join(part.text for part in parts)
    logs = [log for part in parts for log in part.logs]
    reasons = {part.reason for part in parts}
    return Said(
        text,
        calls_tools=any(part.tools for part in parts),
        cut=bool(reasons & _CUT),
        withheld=bool(reasons & _WITHHELD),
        confidence=math.exp(min(0.0, sum(logs) / len(logs))) if logs else _stated(text),
    )


class _Piece(msgspec.Struct):
    text: str = ""
    reason: str | None = None
    tools: bool = False
    logs: tuple[float, ...] = ()
    """Of the probability of each token."""


def _whole(answer: dict[str, Any]) -> _Piece:
    choices = answer.get("choices")
    if choices:
        return _choice(choices[0], choices[0]["message"])
    blocks = answer["content"]
    text = "".join(one["text"] for one in blocks if one.get("type") == "text")
    tools = any("tool" in str(one.get("type")) for one in blocks)
    return _Piece(text, answer.get("stop_reason"), tools)


def _choice(choice: dict[str, Any], message: dict[str, Any]) -> _Piece:
    content = message.get("content") or ""
    tools = bool(message.get("tool_calls") or message.get("function_call"))
    reason = "refusal" if message.get("refusal") else choice.get("finish_reason")
    listed = (choice.get("logprobs") or {}).get("content") or ()
    logs = tuple(float(one["logprob"]) for one in listed)
    return _Piece(content if isinstance(content, str) else "", reason, tools, logs)


def _pieces(frames: bytes) -> Iterator[_Piece]:
    for line in frames.split(b"\n"):
        if not line.startswith(_DATA):
            continue
        data = line[len(_DATA) :].strip()
        if not data or data == _END:
            continue
        yield from _piece(_decode(data))


def _piece(event: dict[str, Any]) -> Iterator[_Piece]:
    kind = event.get("type")
    if kind == "content_block_start":
        yield _Piece(tools="tool" in event["content_block"].get("type", ""))
    elif kind == "content_block_delta":
        yield _Piece(event["delta"].get("text") or "")
    elif kind == "message_delta":
        yield _Piece(reason=event["delta"].get("stop_reason"))
    elif kind is None:
        for choice in event.get("choices") or ():
            yield _choice(choice, choice.get("delta") or {})


def _stated(text: str) -> float | None:
    """Return the `confidence` of an answer that is a JSON object with one."""
    if '"confidence"' not in text:
        return None
    try:
        told = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    value = told.get("confidence") if isinstance(told, dict) else None
    given = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if given and value is not None else None
