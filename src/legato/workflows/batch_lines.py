"""The lines of a batch's input: each a call, told apart by its `custom_id`."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

LINES_MAX: Final = 50_000
_ERRORS_MAX: Final = 100
_NAME_MAX: Final = 512


class Line(msgspec.Struct, frozen=True):
    """One call."""

    number: int
    custom_id: str
    body: dict[str, Any]


def read_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Return what isn't blank, numbered from 1 as it stands in the file."""
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield number, line


def parse(number: int, line: bytes, endpoint: str) -> Line:
    """Read one line. Raises ValueError saying what is wrong with it."""
    try:
        call = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        msg = "This line is not parseable as valid JSON."
        raise ValueError(msg) from None
    if not isinstance(call, dict):
        msg = "This line is not an object."
        raise ValueError(msg)  # noqa: TRY004 - one kind for all
    _require(call, "custom_id", lambda v: isinstance(v, str) and 0 < len(v) <= _NAME_MAX)
    _require(call, "method", lambda v: v == "POST")
    _require(call, "url", lambda v: v == endpoint)
    _require(call, "body", lambda v: isinstance(v, dict))
    if call["body"].get("stream"):
        msg = "body.stream: an answer of a batch comes whole."
        raise ValueError(msg)
    return Line(number, call["custom_id"], call["body"])


def problems(content: bytes, endpoint: str) -> tuple[int, list[dict[str, Any]]]:
    """Return how many lines there are and, in OpenAI's shape, what is wrong with them."""
    found: list[dict[str, Any]] = []
    seen: set[str] = set()
    count = 0
    for number, text in read_lines(content):
        count += 1
        try:
            line = parse(number, text, endpoint)
        except ValueError as error:
            found.append(_problem("invalid_json_line", str(error), number))
        else:
            if line.custom_id in seen:
                found.append(_problem("duplicate_custom_id", "This custom_id comes twice.", number))
            seen.add(line.custom_id)
        if len(found) >= _ERRORS_MAX:
            break
    if not count:
        found.append(_problem("empty_file", "The input file has no line.", None))
    if count > LINES_MAX:
        message = f"The input file has more than {LINES_MAX} lines."
        found.append(_problem("too_many_lines", message, None))
    return count, found


def _require(call: dict[str, Any], field: str, good: Callable[[Any], bool]) -> None:
    if not good(call.get(field)):
        msg = f"{field}: missing, or not what this batch takes."
        raise ValueError(msg)


def _problem(code: str, message: str, line: int | None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": None}
