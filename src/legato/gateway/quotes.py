"""Providers quote requests in their errors; what they quote is taken out of what they say.

An error ends in its caller's logs, where prompt text has no business. Only verbatim runs are
seen: 16 characters or more that stand in the request as they stand in the message.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

QUOTE_CHARS_MIN = 16
"""Shorter runs are names and numbers that the caller needs to mend the request."""
_GRAM = QUOTE_CHARS_MIN // 2  # every run so long holds a whole one that starts at a multiple of it
_TEXT_CHARS_MAX = 1_048_576  # about 10 ms of work
_COMPARED_MAX = 200_000
_QUOTED = "[…]"
_WITHHELD = "the provider's words are withheld, as they may quote the request"


def without_quotes(message: str, body: dict[str, Any]) -> str:
    """Return an error message of a provider without the runs of text it shares with the request.

    Where that would take too long to find out, nothing of it is returned.
    """
    if len(message) < QUOTE_CHARS_MIN:
        return message
    text = "\0".join(_texts({name: body[name] for name in body if name != "model"}))
    if len(text) > _TEXT_CHARS_MAX:
        return _WITHHELD
    quoted = _quoted_positions(message, text)
    return _WITHHELD if quoted is None else _cut(message, quoted)


def _texts(body: dict[str, Any]) -> Iterator[str]:
    """Every string in a decoded body, keys of free-form objects included."""
    waiting: list[Any] = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += value.keys()
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _quoted_positions(message: str, text: str) -> bytearray | None:
    """Mark the characters of the message that belong to a shared run; None for too much work."""
    places: dict[str, list[int]] = defaultdict(list)
    for at in range(len(message) - _GRAM + 1):
        places[message[at : at + _GRAM]].append(at)
    quoted = bytearray(len(message))
    compared = 0
    for there in range(0, len(text) - _GRAM + 1, _GRAM):
        shared = places.get(text[there : there + _GRAM], ())
        compared += len(shared)
        for here in shared:
            if quoted[here]:
                continue
            first, last = _run(message, text, here, there)
            compared += last - first
            if last - first >= QUOTE_CHARS_MIN:
                quoted[first:last] = b"\1" * (last - first)
        if compared > _COMPARED_MAX:
            return None
    return quoted


def _run(message: str, text: str, here: int, there: int) -> tuple[int, int]:
    """Return where in the message the run around two equal grams begins and ends."""
    first, before = here, there
    while first and before and message[first - 1] == text[before - 1]:
        first, before = first - 1, before - 1
    last, after = here + _GRAM, there + _GRAM
    while last < len(message) and after < len(text) and message[last] == text[after]:
        last, after = last + 1, after + 1
    return first, last


def _cut(message: str, quoted: bytearray) -> str:
    parts, at = [], 0
    while (start := quoted.find(1, at)) >= 0:
        end = quoted.find(0, start)
        parts += [message[at:start], _QUOTED]
        at = len(message) if end < 0 else end
    return "".join([*parts, message[at:]])
