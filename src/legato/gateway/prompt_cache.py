"""Which parts of a request a vendor is worth being told to keep.

Vendors that cache prompts by explicit marks charge more for what they write and a tenth for what
they read again within five minutes. So a part is marked once it has been seen before: the
second request with the same beginning pays for writing, each one after it reads. Conversations are
marked at their end, as the next turn begins with all of this one.

What was seen is kept by digest, for an organisation at a time, in each worker for itself. A
digest that was pushed out costs one marking too few, never a wrong answer.
"""

from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from legato.core.clock import Clock
from legato.providers.base import NOT_REPEATED, Repeated

if TYPE_CHECKING:
    from legato.gateway.context import Call

LIFETIME_NS = 300 * 1_000_000_000
"""How long a vendor keeps what it isn't asked for again."""
SEEN_MAX = 8_192
_TURNS_MAX = 8
"""How many messages a turn adds at most: a question, calls of tools, their results."""
_BYTES_MIN = 4 * 1_024
"""Vendors keep no fewer than 1,024 tokens (some models of theirs need more)."""
_MARK = b"cache_control"
_encode = msgspec.msgpack.Encoder().encode


class PromptCache:
    """Remembers beginnings of requests."""

    def __init__(self, clock: Clock) -> None:
        self._now_ns = clock.now_ns
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def repeated(self, call: "Call") -> Repeated:
        """Return which parts of a request came before, and remember it. Once for each request.

        Nothing of a request whose caller marks parts, or whose shape isn't known.
        """
        body = call.body
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return NOT_REPEATED
        count = _leading(messages)
        said = _encode([body.get("system"), body.get("tools"), messages[:count]])
        turns = [_encode(message) for message in messages[count:]]
        if _MARK in said or any(_MARK in turn for turn in turns):
            return NOT_REPEATED
        size = len(said)
        digest = sha256(b"%s\x00%s" % (call.caller.org.encode(), said))
        head = self._again(digest.digest()) and size >= _BYTES_MIN
        first, known = max(0, len(turns) - _TURNS_MAX), False
        for number, turn in enumerate(turns, 1):
            digest.update(turn)
            size += len(turn)
            if first <= number < len(turns) and size >= _BYTES_MIN:
                known = known or self._is_known(digest.digest())
        if turns:
            self._again(digest.digest())
        return Repeated(head, known) if head or known else NOT_REPEATED

    def _again(self, digest: bytes) -> bool:
        """Remember, and return whether it was known."""
        known = self._is_known(digest)
        self._seen[digest] = self._now_ns()
        self._seen.move_to_end(digest)
        if len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)
        return known

    def _is_known(self, digest: bytes) -> bool:
        seen_ns = self._seen.get(digest)
        return seen_ns is not None and self._now_ns() - seen_ns < LIFETIME_NS


def _leading(messages: list[Any]) -> int:
    """Return how many messages at the start are the application's own words."""
    for count, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in {"system", "developer"}:
            return count
    return len(messages)
