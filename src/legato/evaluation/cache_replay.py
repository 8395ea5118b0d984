"""A stream of questions against the semantic cache: what would have been served, and how rightly.

The parts are the gateway's own: the index, the slots and scores, the online bound. As there, a
question that isn't served is answered afresh and kept, one that is served is not; and whether a hit
was right is told to the bound for checked hits only.
"""

from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import msgspec

from legato.cache.exact import CachedAnswer
from legato.cache.semantic.entry import Entry
from legato.cache.semantic.memory import Memory
from legato.core.clock import SystemClock
from legato.core.usage import Usage
from legato.evaluation.intervals import t_quantile
from legato.evaluation.question_files import Known
from legato.matching.bound import BoundSettings, OnlineBound
from legato.matching.questions import Question, prepare
from legato.matching.verifier import NEAREST, Verifier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PARTITION: Final = b"replay"
_FOREVER_NS: Final = 2**62
_BYTES_MAX: Final = 1 << 40
"""No entry is evicted: what is measured is the matching."""
_ANSWER: Final = CachedAnswer(b"", False, Usage(), 0, "", "", _FOREVER_NS)


class Outcome(msgspec.Struct, frozen=True):
    """What became of a stream. Checked hits are among the hits."""

    requests: int
    hits: int
    correct_hits: int
    wrong_hits: int
    checked: int


class Stream:
    """Questions with their vectors, to be replayed in this order or another."""

    def __init__(
        self, known: Sequence[Known], vectors: "NDArray[np.float32]", embedder: str
    ) -> None:
        """`vectors` has a row for each question, made by the embedder of that name."""
        self._known = known
        self._vectors = vectors
        self._verifier = Verifier.of(embedder)
        self._questions = [prepare(one.text) for one in known]
        self.decision_ns: list[int] = []
        """How long each decision took: read, look up, score, decide; embedding not counted."""

    def __len__(self) -> int:
        return len(self._known)

    def replay(self, settings: BoundSettings, order: Sequence[int], seed: int) -> Outcome:
        """Replay the questions at these places; `seed` draws which hits are checked."""
        index = Memory(self._vectors.shape[1], _BYTES_MAX, SystemClock())
        bound, draw = OnlineBound(settings), Random(seed).random  # noqa: S311 - to be repeatable
        hits = right = checked = 0
        for place in order:
            began = perf_counter_ns()
            question = prepare(self._known[place].text)
            found, score = self._likeliest(index, question, place)
            decision = bound.decide(_PARTITION, score, draw())
            self.decision_ns.append(perf_counter_ns() - began)
            if not decision.serve:
                index.add(self._entry(place), self._vectors[place])
                continue
            is_right = self._known[place].cluster == self._known[found].cluster
            hits, right = hits + 1, right + is_right
            if decision.check:
                checked += 1
                bound.learn(_PARTITION, score, right=is_right)
        return Outcome(len(order), hits, right, hits - right, checked)

    def _likeliest(self, index: Memory, question: Question, place: int) -> tuple[int, float]:
        nearest = index.nearest(_PARTITION, self._vectors[place], NEAREST)
        earlier = [(int(one.entry.id), one.similarity) for one in nearest]
        found, _, score = self._verifier.likeliest(
            question, ((one, self._questions[one], near) for one, near in earlier)
        )
        return -1 if found is None else found, score

    def _entry(self, place: int) -> Entry:
        return Entry(
            id=str(place),
            partition=_PARTITION,
            text=self._known[place].text,
            answer=_ANSWER,
            cost=None,
            org="",
            team="",
            route="",
            versions="",
            tags=(),
            created_ns=0,
            expires_ns=_FOREVER_NS,
        )


class Shares(msgspec.Struct, frozen=True):
    """A share over many orders: its mean, the 95 % limits of that mean, and its greatest value."""

    mean: float
    low: float
    high: float
    greatest: float


def shares(outcomes: Sequence[Outcome], share: Callable[[Outcome], float]) -> Shares:
    """Return a share over outcomes, with Student's limits. Needs two outcomes at least."""
    values = [share(outcome) for outcome in outcomes]
    count = len(values)
    mean = sum(values) / count
    variance = sum((value - mean) ** 2 for value in values) / (count - 1)
    half = t_quantile(count - 1) * (variance / count) ** 0.5
    return Shares(mean, mean - half, mean + half, max(values))
