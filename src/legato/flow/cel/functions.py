"""What expressions can call.

The standard functions of CEL, and of its extensions those that business rules ask for (texts as in
cel-go's `ext.Strings`, lists as in Kubernetes). Each counts what it makes before it makes it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Final

import msgspec
import re2

from legato.flow.cel.bound import Bound, ExpressionFailed

CHARACTERS_AT_ONCE: Final = 256
"""That searching a text gets through in the time of one operation."""
_COMPARISONS_AT_ONCE: Final = 2_048
"""Of characters."""
_SHORT: Final = 2_500
_LONG: Final = 30_000
_PART_SHORT: Final = 100
"""Where Python's search for a text in another changes from length times length to their sum."""
_PATTERN_MAX: Final = 500
_PATTERN_STEPS_AT_ONCE: Final = 100
"""Bytes of a text times instructions of a pattern: what RE2 does at worst, without its cache."""
_DURATION_MAX: Final = 256
_SHOWN_MAX: Final = 80
_DURATION: Final = re.compile(r"(-?)((?:\d+(?:\.\d+)?(?:h|ms|m|s))+)")
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_UNIT_S: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGERS: Final = (-(2**63), 2**63 - 1)


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """What is called, how, and with how many arguments; `method` counts what stands before it."""

    work: Callable[..., Any]
    counts: frozenset[int]
    plain: bool = False
    method: bool = False


def whole(value: Any) -> int:
    """Return an integer that fits into 64 bits. Raises ExpressionFailed."""
    if _INTEGERS[0] <= value <= _INTEGERS[1]:
        return int(value)
    msg = "the number is beyond what 64 bits hold"
    raise ExpressionFailed(msg)


def kind_of(value: Any) -> str:
    """Return what a value's type is called in messages."""
    for kind, name in _KINDS:
        if isinstance(value, kind):
            return name
    return type(value).__name__


_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (bool, "bool"),
    (int, "int"),
    (float, "double"),
    (str, "string"),
    (type(None), "null"),
    (Mapping, "map"),
    (list | tuple, "list"),
    (datetime, "timestamp"),
    (timedelta, "duration"),
)


def shown(value: Any) -> str:
    """Return a value as messages name it; what may be large, by its kind."""
    if isinstance(value, str | int | float | None):
        return str(value)[:_SHOWN_MAX]
    return f"a {kind_of(value)}"


def text_of(value: Any, what: str) -> str:
    """Return a text. Raises ExpressionFailed: it is none."""
    if isinstance(value, str):
        return value
    msg = f"{what} wants a string, not a {kind_of(value)}"
    raise ExpressionFailed(msg)


def list_of(value: Any, what: str) -> Any:
    """Return a list. Raises ExpressionFailed: it is none."""
    if isinstance(value, list | tuple):
        return value
    msg = f"{what} wants a list, not a {kind_of(value)}"
    raise ExpressionFailed(msg)


def is_number(value: Any) -> bool:
    """Return whether a value is an integer or a double; truth values are neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _size(bound: Bound, value: Any) -> int:
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    bound.spend(1)
    msg = f"size wants a string, list or map, not a {kind_of(value)}"
    raise ExpressionFailed(msg)


def _searched(name: str, search: Callable[[str, str], Any]) -> Callable[..., Any]:
    def work(bound: Bound, value: Any, part: Any) -> Any:
        text, wanted = text_of(value, name), text_of(part, name)
        _spend_search(bound, text, wanted)
        return search(text, wanted)

    return work


def _spend_search(bound: Bound, text: str, part: str) -> None:
    long, short = len(text), len(part)
    bound.spend(long // CHARACTERS_AT_ONCE)
    if long < _SHORT or (short < _PART_SHORT and long < _LONG):
        bound.spend(long * min(long, short) // _COMPARISONS_AT_ONCE)
    else:
        bound.spend(long // CHARACTERS_AT_ONCE)


def _matches(bound: Bound, value: Any, pattern: Any) -> bool:
    """Search by RE2: time grows with the text times the pattern, however they are made."""
    text, written = text_of(value, "matches"), text_of(pattern, "matches")
    bound.spend(20 + len(text) // 16)
    if written not in bound.patterns:
        bound.patterns[written] = _pattern(bound, written)
    compiled, size = bound.patterns[written]
    bound.spend(len(text.encode("utf-8", "replace")) * size // _PATTERN_STEPS_AT_ONCE)
    return compiled.search(text) is not None


def _pattern(bound: Bound, written: str) -> tuple[Any, int]:
    if len(written) > _PATTERN_MAX:
        msg = f"a pattern has {_PATTERN_MAX} characters at most"
        raise ExpressionFailed(msg)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        compiled = re2.compile(written, options)
    except re2.error:
        bound.spend(_PATTERN_MAX)
        msg = "matches wants a regular expression as RE2 reads them"
        raise ExpressionFailed(msg) from None
    size = compiled._regexp.ProgramSize()  # noqa: SLF001 - nothing else of it says how large it is
    bound.spend(len(written) + 2 * size)
    return compiled, size


def _string(bound: Bound, value: Any) -> str:
    if isinstance(value, str):
        return value
    bound.make(characters=32)
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case datetime():
            return time_text(value)
        case timedelta():
            return f"{value.total_seconds():g}s"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
    msg = f"string wants a number, text or time, not a {kind_of(value)}"
    raise ExpressionFailed(msg)


def time_text(value: datetime) -> str:
    """Return a time as RFC 3339 writes it, in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _int(bound: Bound, value: Any) -> int:
    bound.spend(1)
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, str) and len(value) <= 20:  # noqa: PLR2004 - digits and sign of 64 bits
        try:
            return whole(int(value))
        except ValueError:
            pass
    elif is_number(value) and isfinite(value):
        return whole(int(value))
    msg = "int wants a number, a text that is an integer, or a timestamp"
    raise ExpressionFailed(msg)


def _double(bound: Bound, value: Any) -> float:
    bound.spend(1)
    try:
        if is_number(value) or (isinstance(value, str) and len(value) <= CHARACTERS_AT_ONCE):
            number = float(value)
            if isfinite(number):
                return number
    except ValueError:
        pass
    msg = "double wants a number, or a text that is one"
    raise ExpressionFailed(msg)


def _timestamp(bound: Bound, value: Any) -> datetime:
    bound.spend(1)
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return _EPOCH + timedelta(seconds=value)
        if isinstance(value, datetime):
            return value
        read = datetime.fromisoformat(value[:64]) if isinstance(value, str) else None
        if read is not None and read.tzinfo is not None:
            return read.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    msg = "timestamp wants a time such as 2026-01-31T08:00:00Z, or seconds since 1970"
    raise ExpressionFailed(msg)


def _duration(bound: Bound, value: Any) -> timedelta:
    bound.spend(1)
    if isinstance(value, timedelta):
        return value
    short = isinstance(value, str) and len(value) <= _DURATION_MAX
    found = _DURATION.fullmatch(value) if short else None
    if found is None:
        msg = "duration wants a text such as 90s, 1h30m or 200ms"
        raise ExpressionFailed(msg)
    seconds = sum(float(n) * _UNIT_S[unit] for n, unit in _DURATION_PART.findall(found[2]))
    try:
        return timedelta(seconds=-seconds if found[1] else seconds)
    except OverflowError:
        msg = "the duration is longer than any can be"
        raise ExpressionFailed(msg) from None


def _split(bound: Bound, value: Any, separator: Any) -> list[str]:
    text, between = text_of(value, "split"), text_of(separator, "split")
    if not between:
        msg = "split wants a separator of one character at least"
        raise ExpressionFailed(msg)
    _spend_search(bound, text, between)
    bound.make(characters=len(text), elements=text.count(between) + 1)
    return text.split(between)


def _join(bound: Bound, value: Any, separator: Any = "") -> str:
    bound.spend(len(list_of(value, "join")))
    texts = [text_of(each, "join") for each in value]
    between = text_of(separator, "join")
    bound.make(characters=sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _replace(bound: Bound, value: Any, old: Any, new: Any) -> str:
    text, wanted, instead = (text_of(each, "replace") for each in (value, old, new))
    _spend_search(bound, text, wanted)
    times = text.count(wanted)
    bound.make(characters=len(text) + times * max(0, len(instead) - len(wanted)))
    return text.replace(wanted, instead)


def _turned(name: str, turn: Callable[[str], str]) -> Callable[..., str]:
    def work(bound: Bound, value: Any) -> str:
        text = text_of(value, name)
        bound.make(characters=len(text))
        return turn(text)

    return work


def _substring(bound: Bound, value: Any, begin: Any, end: Any = None) -> str:
    text = text_of(value, "substring")
    last = len(text) if end is None else end
    for place in (begin, last):
        if type(place) is not int:
            msg = "substring wants places: integers from 0"
            raise ExpressionFailed(msg)
    if not 0 <= begin <= last <= len(text):
        msg = f"substring({begin}, {last}) is outside of a text of {len(text)} characters"
        raise ExpressionFailed(msg)
    bound.make(characters=last - begin)
    return text[begin:last]


def _numbers(bound: Bound, value: Any, what: str) -> Any:
    numbers = list_of(value, what)
    bound.spend(len(numbers))
    if all(map(is_number, numbers)):
        return numbers
    msg = f"{what} wants a list of numbers"
    raise ExpressionFailed(msg)


def _sum(bound: Bound, value: Any) -> Any:
    total = sum(_numbers(bound, value, "sum"))
    if not isinstance(total, float):
        return whole(total)
    if isfinite(total):
        return total
    msg = "the number is too large"
    raise ExpressionFailed(msg)


def _extreme(name: str, choose: Callable[..., Any]) -> Callable[..., Any]:
    def work(bound: Bound, value: Any) -> Any:
        numbers = _numbers(bound, value, name)
        if numbers:
            return choose(numbers)
        msg = f"{name} wants a list that isn't empty"
        raise ExpressionFailed(msg)

    return work


def _flatten(bound: Bound, value: Any) -> list[Any]:
    bound.spend(len(list_of(value, "flatten")))
    lists = [list_of(each, "flatten") for each in value]
    bound.make(elements=sum(map(len, lists)))
    return [each for inner in lists for each in inner]


def _plain(work: Callable[..., Any], *counts: int) -> Function:
    return Function(work=work, counts=frozenset(counts), plain=True)


def _method(work: Callable[..., Any], *counts: int) -> Function:
    return Function(work=work, counts=frozenset(counts), method=True)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "size": Function(work=_size, counts=frozenset({1}), plain=True, method=True),
    "string": _plain(_string, 1),
    "int": _plain(_int, 1),
    "double": _plain(_double, 1),
    "timestamp": _plain(_timestamp, 1),
    "duration": _plain(_duration, 1),
    "contains": _method(_searched("contains", lambda text, part: part in text), 2),
    "startsWith": _method(_searched("startsWith", str.startswith), 2),
    "endsWith": _method(_searched("endsWith", str.endswith), 2),
    "indexOf": _method(_searched("indexOf", str.find), 2),
    "matches": _method(_matches, 2),
    "split": _method(_split, 2),
    "join": _method(_join, 1, 2),
    "replace": _method(_replace, 3),
    "substring": _method(_substring, 2, 3),
    "trim": _method(_turned("trim", str.strip), 1),
    "lowerAscii": _method(_turned("lowerAscii", str.lower), 1),
    "upperAscii": _method(_turned("upperAscii", str.upper), 1),
    "sum": _method(_sum, 1),
    "min": _method(_extreme("min", min), 1),
    "max": _method(_extreme("max", max), 1),
    "flatten": _method(_flatten, 1),
}
"""By their names. `lowerAscii` and `upperAscii` turn letters of other alphabets, too."""
