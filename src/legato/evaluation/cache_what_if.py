"""What the semantic cache would have done with recorded requests, at another bound.

The parts are the gateway's own, and time is that of the record: an entry expires as it would have.
Whether a hit would have been right is known only where its answer and the recorded one have the
same words. What differs may be right in other words, so a stream is replayed twice: once with all
of these wrong, once with all of them right. What a judge would have found lies between the two.
"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from legato.cache.exact import CachedAnswer
from legato.cache.semantic.entry import Entry
from legato.cache.semantic.memory import Memory
from legato.core.clock import ManualClock
from legato.core.usage import Usage
from legato.gateway.semantic.agreement import says_the_same
from legato.matching.bound import BoundSettings, OnlineBound
from legato.matching.questions import Question, prepare
from legato.matching.verifier import NEAREST, Verifier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NS_PER_S: Final = 1_000_000_000


class Logged(NamedTuple):
    """A recorded request that the cache may look up."""

    at_ns: int
    scope: str
    """Whose bound decides."""
    partition: bytes
    text: str
    answer: str | None
    """What it was answered, None where that can't be kept."""
    cost: int | None
    """In nano-USD, None where unknown."""
    ttl_s: float
    exact: bool
    """The exact cache had it: nobody asked further."""


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """What would have been. Costs are nano-USD, of recorded answers that hits save."""

    requests: int
    """Those that are looked up."""
    exact: int
    """Beside them: answered by the exact cache."""
    hits: int
    same_words: int
    """Hits whose answer has the words of the recorded one."""
    checked: int
    saved: int
    cost: int
    """Of all requests that are looked up."""


class Recording:
    """Recorded requests with their vectors, oldest first."""

    def __init__(
        self, logged: Sequence[Logged], vectors: "NDArray[np.float32]", embedder: str
    ) -> None:
        """`vectors` has a row for each request."""
        self._logged = logged
        self._vectors = vectors
        self._verifier = Verifier.of(embedder)
        self._questions: list[Question] = [prepare(one.text) for one in logged]

    def replay(
        self, settings: BoundSettings, memory_bytes: int, seed: int, *, differing_is_right: bool
    ) -> WhatIf:
        """Replay them; `seed` draws which hits are checked."""
        clock = ManualClock(0)
        index = Memory(self._vectors.shape[1], memory_bytes, clock)
        bound, draw = OnlineBound(settings), Random(seed).random  # noqa: S311 - to be repeatable
        asked = hits = same_words = checked = saved = cost = exact = 0
        for place, one in enumerate(self._logged):
            clock.advance((one.at_ns - clock.now_ns()) / _NS_PER_S)
            if one.exact:
                exact += 1
                continue
            asked, cost = asked + 1, cost + (one.cost or 0)
            found, score = self._likeliest(index, place)
            decision = bound.decide(one.scope.encode(), score, draw())
            if not decision.serve:
                if one.answer is not None:
                    index.add(self._entry(place), self._vectors[place])
                continue
            same = one.answer is not None and says_the_same(
                self._logged[found].answer or "", one.answer
            )
            hits, same_words, saved = hits + 1, same_words + same, saved + (one.cost or 0)
            if decision.check:
                checked += 1
                bound.learn(one.scope.encode(), score, right=same or differing_is_right)
        return WhatIf(
            requests=asked,
            exact=exact,
            hits=hits,
            same_words=same_words,
            checked=checked,
            saved=saved,
            cost=cost,
        )

    def _likeliest(self, index: Memory, place: int) -> tuple[int, float]:
        near = index.nearest(self._logged[place].partition, self._vectors[place], NEAREST)
        earlier = [(int(one.entry.id), one.similarity) for one in near]
        found, _, score = self._verifier.likeliest(
            self._questions[place],
            ((at, self._questions[at], similar) for at, similar in earlier),
        )
        return -1 if found is None else found, score

    def _entry(self, place: int) -> Entry:
        one = self._logged[place]
        expires_ns = one.at_ns + int(one.ttl_s * _NS_PER_S)
        return Entry(
            id=str(place),
            partition=one.partition,
            text=one.text,
            answer=CachedAnswer(b"", False, Usage(), 0, "", "", expires_ns),
            cost=one.cost,
            org="",
            team="",
            route="",
            versions="",
            tags=(),
            created_ns=one.at_ns,
            expires_ns=expires_ns,
        )
