"""Sortable identifiers: UUIDv7 (RFC 9562), monotonic within one process."""

import random
from collections.abc import Callable

from legato.core.clock import Clock

_ID_HEX_LENGTH = 32
_VERSION_AT = 12  # behind the 48 bits of milliseconds
_SPAN_SHIFT = 48


class IdSource:
    """Makes UUIDv7 as 32 hex digits: 48 bits of milliseconds, 74 bits of randomness.

    Within a millisecond the random part counts up, so ids of one process sort in the order
    they were made (RFC 9562, section 6.2, method 2).
    """

    __slots__ = ("_last_ms", "_now_ns", "_random_bits", "_tail")

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] | None = None) -> None:
        self._now_ns = clock.now_ns
        # seeded by the system once: ids must be unique, not unguessable, and a system call
        # per millisecond is one per request
        self._random_bits = random_bits or random.Random().getrandbits  # noqa: S311
        self._last_ms = -1
        self._tail = 0

    def new(self) -> str:
        """Return the next id."""
        now_ms = self._now_ns() // 1_000_000
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            self._tail = self._random_bits(73)  # of 74: the top one is left for counting up
        else:
            self._tail += 1
        tail = self._tail
        rand_a = (tail >> 62) & 0xFFF
        rand_b = tail & 0x3FFF_FFFF_FFFF_FFFF
        # in halves: integers that fit a machine word are cheaper
        return f"{self._last_ms << 16 | 0x7000 | rand_a:016x}{0x8 << 60 | rand_b:016x}"


_LATEST_NS = 2**63 - 86_400 * 10**9
"""A text may look like an id of a time that no column holds."""


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an id."""
    return len(text) == _ID_HEX_LENGTH and all(c in "0123456789abcdef" for c in text)


def time_ns_of(request_id: str) -> int | None:
    """Return when an id was made, to the millisecond; None for a text that is none of ours."""
    if not is_id(request_id) or request_id[_VERSION_AT] != "7":
        return None
    made_ns = int(request_id[:_VERSION_AT], 16) * 1_000_000
    return made_ns if made_ns < _LATEST_NS else None


def span_id(request_id: str, position: int) -> str:
    """Return the id of a span of a request, 16 hex digits: derived, so all who ask agree.

    The position (below 16,384) goes to the top of the random bits: ids made in one millisecond
    count up at the bottom, and spans of neighbours may meet in one caller's trace.
    """
    return f"{int(request_id[16:], 16) ^ position << _SPAN_SHIFT:016x}"
