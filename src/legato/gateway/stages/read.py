"""Read a body once, strictly.

msgspec refuses NaN, broken UTF-8, lone surrogates and absurd numbers by itself, but takes
duplicate keys silently. They are caught by counting: keys in the decoded tree against
`"…":` in the bytes. The count in the bytes can only be too high (strings may hold the same
characters), so equal counts prove there are none; else the exact, slower parser decides.
"""

import json
import re
from typing import Any

import msgspec

from legato.core.errors import InvalidRequest

_decode = msgspec.json.Decoder().decode
_KEY_END = re.compile(rb'"[ \t\r\n]*:')


def read_json(raw: bytes) -> dict[str, Any]:
    """Return the object in a body.

    Raises:
        InvalidRequest: no JSON object, a duplicate key, too deep, or not valid UTF-8.
    """
    try:
        body = _decode(raw)
        if type(body) is not dict:
            msg = "The body must be a JSON object."
            raise InvalidRequest(msg)
        if _keys(body) != len(_KEY_END.findall(raw)):
            json.loads(raw, object_pairs_hook=_without_duplicates)
    except RecursionError:
        msg = "The body is nested too deeply."
        raise InvalidRequest(msg) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        msg = f"The body is not valid JSON: {str(error)[:200]}."
        raise InvalidRequest(msg) from None
    return body


def _keys(node: Any) -> int:
    if type(node) is dict:
        total = len(node)
        for value in node.values():
            if type(value) is dict or type(value) is list:
                total += _keys(value)
        return total
    total = 0
    for value in node:
        if type(value) is dict or type(value) is list:
            total += _keys(value)
    return total


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = _first_repeated(pairs)
        msg = f"Key {twice[:100]!r} appears twice in one object."
        raise InvalidRequest(msg, param=twice[:100])
    return found


def _first_repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()  # asking the list for each name would take hours for a large body
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    msg = "no name is repeated"
    raise AssertionError(msg)
