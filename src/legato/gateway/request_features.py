"""What rules ask about a call, computed from it: only what a route's rules name."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from legato.core.capability import JSON_OBJECT, JSON_SCHEMA, TOOLS, VISION
from legato.routing.rules.content import TEXT_MAX, content_of, language_of
from legato.routing.rules.features import MAPS, Value, Values

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.routing.rules.rules import Rules

_BYTES_PER_TOKEN: Final = 4
_HOUR_NS: Final = 3_600_000_000_000
_HOURS_PER_DAY: Final = 24
_DAYS_PER_WEEK: Final = 7
_THURSDAY: Final = 3
"""1970 began on one; Monday is 0."""
_CUT: Final = 128
"""Characters of a value that are compared and recorded."""
_CONVERSATIONS: Final = ("messages", "input")
_WHOLE: Final = ("system", "instructions", "prompt", "input", "query", "documents", "messages")
_OF_CALLER: Final = ("urgency", "task", "feature")
_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode
_JSON: Final = JSON_OBJECT | JSON_SCHEMA


def features_of(call: "Call", rules: "Rules") -> Values:
    """Return the variables that a route's rules use, and of maps the keys they read alone."""
    values: Values = {name: _FEATURES[name](call) for name in rules.variables if name not in MAPS}
    for name in MAPS:
        if name in rules.variables:
            held = call.caller.tags if name == "tags" else call.body.get("metadata")
            values[name] = _read(held, rules.keys[name])
    return values


def of_caller(call: "Call", rules: "Rules") -> bytes:
    """Return what a route's rules ask that neither the body's question nor the team tells.

    Who is sent elsewhere by it gets no cached answer of those who aren't.
    """
    values: dict[str, Value] = {
        name: _FEATURES[name](call) for name in _OF_CALLER if name in rules.variables
    }
    for name in MAPS:
        if name in rules.variables:
            held = call.caller.tags if name == "tags" else call.body.get("metadata")
            values[name] = _read(held, rules.keys[name])
    if rules.lookups:
        values |= call.looked_up or {}
    return _encode(values) if values else b""


def asked_text(body: dict[str, Any]) -> str:
    """Return the beginning of what the user says last: the text that is to be answered."""
    for name in _CONVERSATIONS:
        turns = body.get(name)
        if isinstance(turns, list):
            spoken = [one for one in turns if isinstance(one, dict) and one.get("role") == "user"]
            return _joined(spoken[-1].get("content")) if spoken else _joined(turns)
    for name in ("prompt", "input", "query"):
        if body.get(name):
            return _joined(body[name])
    return ""


def _read(held: Any, keys: frozenset[str]) -> dict[str, str]:
    if not isinstance(held, dict):
        return {}
    return {key: held[key][:_CUT] for key in keys if isinstance(held.get(key), str)}


def _joined(value: Any) -> str:
    pieces: list[str] = []
    size = 0
    for text in _texts(value):
        pieces.append(text[:TEXT_MAX])
        size += len(text)
        if size >= TEXT_MAX:
            break
    return "\n".join(pieces)[:TEXT_MAX]


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of messages and parts, in order; no picture, file or name of a role."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting += reversed(one)
        elif isinstance(one, dict):
            waiting += [one[name] for name in ("content", "text") if name in one]


def _all_texts(call: "Call") -> Iterator[str]:
    body = call.body
    for name in _WHOLE:
        if name in body:
            yield from _texts(body[name])


def _messages(call: "Call") -> int:
    for name in _CONVERSATIONS:
        turns = call.body.get(name)
        if isinstance(turns, list):
            return len(turns)
    return 1


def input_tokens(call: "Call") -> int:
    """Estimate how many tokens a call's texts have: bytes in UTF-8, by four."""
    size = sum(len(text) if text.isascii() else len(text.encode()) for text in _all_texts(call))
    return -(-size // _BYTES_PER_TOKEN)


def _header(name: bytes) -> Callable[["Call"], Value]:
    def read(call: "Call") -> Value:
        value = call.source.header(name)
        return "" if value is None else value.decode("utf-8", "replace").strip().lower()[:_CUT]

    return read


def _weekday(call: "Call") -> int:
    days = call.arrived_ns // _HOUR_NS // _HOURS_PER_DAY
    return (days + _THURSDAY) % _DAYS_PER_WEEK + 1


def _content(call: "Call") -> str:
    return content_of(asked_text(call.body), wants_json=bool(call.view.needs & _JSON))


_FEATURES: Final[dict[str, Callable[["Call"], Value]]] = {
    "surface": lambda call: call.surface.name,
    "operation": lambda call: call.surface.operation.value,
    "stream": lambda call: call.view.stream,
    "messages": _messages,
    "characters": lambda call: sum(len(text) for text in _all_texts(call)),
    "input_tokens": input_tokens,
    "max_output_tokens": lambda call: call.view.max_output_tokens or 0,
    "has_tools": lambda call: bool(call.view.needs & TOOLS),
    "has_images": lambda call: bool(call.view.image_count or call.view.needs & VISION),
    "wants_json": lambda call: bool(call.view.needs & _JSON),
    "language": lambda call: language_of(asked_text(call.body)),
    "content": _content,
    "urgency": _header(b"x-legato-urgency"),
    "task": _header(b"x-legato-task"),
    "org": lambda call: call.caller.org,
    "team": lambda call: call.caller.team,
    "feature": lambda call: call.caller.feature,
    "hour": lambda call: call.arrived_ns // _HOUR_NS % _HOURS_PER_DAY,
    "weekday": _weekday,
}
