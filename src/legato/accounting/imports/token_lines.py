"""Lines of clouds' bills that count tokens: which class, of which model, how many.

Clouds name meters for people ("gpt-4o-0806-Inp-glbl Tokens"), so what a name doesn't say plainly
stays uncounted, and the billed quantity stands beside it in any case.
"""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from legato.core.usage import NO_USAGE, Usage

_MULTIPLES: Final = {
    "1k": 1000,
    "1m": 1_000_000,
    "1000": 1000,
    "1000000": 1_000_000,
    "thousand": 1000,
    "million": 1_000_000,
    "k": 1000,
    "m": 1_000_000,
    "": 1,
    "1": 1,
    "count": 1,
}
_COUNT_MAX: Final = 2**53
_CACHED: Final = re.compile(r"cache.?(?:d|read|hit)|\bcchd\b|cached", re.IGNORECASE)
_WRITTEN: Final = re.compile(r"cache.?(?:write|storage|creation)|\bcw\b", re.IGNORECASE)
_HOUR: Final = re.compile(r"1.?h(?:our|r)?\b", re.IGNORECASE)
_INPUT: Final = re.compile(r"inp(?:ut)?(?![a-z])|input|prompt", re.IGNORECASE)
_OUTPUT: Final = re.compile(r"out(?:p|pt|put)?(?![a-z])|output|\bopt\b|response", re.IGNORECASE)
_THOUGHT: Final = re.compile(r"thinking|reasoning", re.IGNORECASE)
_TIERS: Final = ("batch", "flex", "priority", "provisioned")


class Counted(NamedTuple):
    """What a meter's name says."""

    usage: Usage
    tier: str


def counted(name: str, unit: str, quantity: Decimal | None) -> Counted:
    """Return the tokens of one line, none where its name or unit doesn't say which."""
    lowered = name.lower()
    tier = next((one for one in _TIERS if one in lowered), "")
    kind = class_of(name)
    tokens = None if quantity is None else _tokens(unit, quantity)
    if not kind or tokens is None:
        return Counted(NO_USAGE, tier)
    return Counted(Usage(**{kind: tokens}), tier)


def class_of(name: str) -> str:
    """Return the class of tokens that a meter counts, "" where its name doesn't say."""
    if _WRITTEN.search(name):
        return "cache_write_1h" if _HOUR.search(name) else "cache_write_5m"
    if _CACHED.search(name):
        return "cache_read"
    if _THOUGHT.search(name) and _OUTPUT.search(name):
        return "reasoning"
    lowered = name.lower()
    for medium in ("audio", "image"):
        if medium in lowered and "token" in lowered:
            return f"{medium}_out" if _OUTPUT.search(name) else f"{medium}_in"
    if _OUTPUT.search(name):
        return "out_text"
    return "in_uncached" if _INPUT.search(name) else ""


def _tokens(unit: str, quantity: Decimal) -> int | None:
    """A unit is "1K tokens", "1K", "tokens", "count"; others (hours, images) aren't tokens."""
    said = re.sub(r"[\s/,]*tokens?|[\s,]", "", unit.lower())
    if said not in _MULTIPLES or quantity < 0:
        return None
    tokens = int((quantity * _MULTIPLES[said]).to_integral_value(ROUND_HALF_EVEN))
    return tokens if tokens <= _COUNT_MAX else None
