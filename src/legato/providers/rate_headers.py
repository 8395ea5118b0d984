"""What providers say of their rate limits in the headers of any answer.

`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`: OpenAI, with durations such as `6m0s`;
Groq, where requests are counted by the day; Azure, often without limit and reset, or with -1 for
what it doesn't know, and with plain seconds. `anthropic-ratelimit-{requests,tokens,…}-{limit,
remaining,reset}`: Anthropic, with times as in RFC 3339.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from legato.routing.load.allowance import WINDOW_S, Reading

_OPENAI: Final = b"x-ratelimit-"
_ANTHROPIC: Final = b"anthropic-ratelimit-"
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_TOKENS: Final = ("tokens", "input-tokens", "output-tokens")


class RateReadings(NamedTuple):
    """What one answer said; None for what it didn't say."""

    requests: Reading | None
    tokens: Reading | None


def rate_readings(
    headers: Iterable[tuple[bytes, bytes]], now_epoch_s: float
) -> RateReadings | None:
    """Read an answer's headers (lower-case names); None where they say nothing of limits."""
    said: dict[tuple[str, str], str] = {}
    for name, value in headers:
        if name.startswith(_OPENAI):
            part, _, kind = name[len(_OPENAI) :].decode("ascii", "replace").partition("-")
        elif name.startswith(_ANTHROPIC):
            kind, _, part = name[len(_ANTHROPIC) :].decode("ascii", "replace").rpartition("-")
        else:
            continue
        said[kind, part] = value.decode("ascii", "replace")
    if not said:
        return None
    of_tokens = [one for kind in _TOKENS if (one := _reading(said, kind, now_epoch_s)) is not None]
    tokens = min(of_tokens, key=_share_left, default=None)
    requests = _reading(said, "requests", now_epoch_s)
    return None if requests is tokens is None else RateReadings(requests, tokens)


def _share_left(one: Reading) -> float:
    return one.left / one.limit if one.limit else one.left


def _reading(said: dict[tuple[str, str], str], kind: str, now_epoch_s: float) -> Reading | None:
    left = _count(said.get((kind, "remaining")))
    if left is None:
        return None
    full_in_s = _full_in_s(said.get((kind, "reset")), now_epoch_s)
    return Reading(_count(said.get((kind, "limit"))) or 0.0, left, full_in_s)


def _count(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None


def _full_in_s(text: str | None, now_epoch_s: float) -> float:
    """Return the seconds of a duration, a plain number or a time; a minute where none is said."""
    if not text:
        return WINDOW_S
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    try:
        return max(0.0, float(text))
    except ValueError:
        pass  # no plain number: it may be a time
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - now_epoch_s)
    except ValueError:
        return WINDOW_S
