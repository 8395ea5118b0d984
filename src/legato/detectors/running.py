"""Runs the detectors that policies ask for: quick ones on the spot, others elsewhere.

What a detector's failure means is not decided here: it is told, and the request's policies say.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from time import perf_counter_ns
from typing import Final

import msgspec

from legato.core.errors import LegatoError
from legato.core.guarding import Detector, Finding, Piece, Place, SlowDetector
from legato.core.tasks import InThread
from legato.detectors.slices import Gathered, Slice, Turns, sliced

log = logging.getLogger(__name__)

ON_THE_SPOT_CHARS: Final = 32_768
"""More text than this is looked through in a thread: the event loop has others to serve."""
_PIECE_CHARS: Final = 64
"""What a piece costs beside its text, as so many characters of it."""
_NS_PER_US: Final = 1_000
_WARN_EACH: Final = 1_000
Warm = Callable[[frozenset[str]], Awaitable[None]]
Found = Sequence[Sequence[Finding]]


class Outcome(msgspec.Struct, frozen=True):
    """What detectors found in some texts."""

    findings: tuple[tuple[Finding, ...], ...]
    """Of each text."""
    failed: Mapping[str, str]
    """Detectors that couldn't look, and why: a word, never a text."""
    took_us: tuple[tuple[str, int], ...]


def takes_long(pieces: Sequence[Piece]) -> bool:
    """Whether texts are too much, or too many, to be looked through on the event loop."""
    return sum(len(one.text) + _PIECE_CHARS for one in pieces) > ON_THE_SPOT_CHARS


class Opened(msgspec.Struct, frozen=True, eq=False):
    """Detectors by name."""

    quick: Mapping[str, Detector] = {}
    slow: Mapping[str, SlowDetector] = {}
    warm: Warm | None = None
    """Lets slow ones load what they need, so that no request waits for it."""

    @property
    def labels(self) -> dict[str, frozenset[str]]:
        """What each may find."""
        found = {name: one.labels for name, one in self.quick.items()}
        return found | {name: one.labels for name, one in self.slow.items()}


class Detectors:
    """All detectors of this instance, opened when a policy first asks for any."""

    def __init__(self, open_all: Callable[[], Opened], in_thread: InThread) -> None:
        self._open_all = open_all
        self._opened: Opened | None = None
        self._turns = Turns(in_thread)
        self._failures: dict[str, int] = {}

    def open(self) -> Mapping[str, frozenset[str]]:
        """Open them where they aren't; return what each may find. Takes long: not on the loop.

        Raises:
            ConfigInvalid: naming a detector that can't be opened.
        """
        opened = self._opened = self._opened or self._open_all()
        return opened.labels

    @property
    def labels(self) -> Mapping[str, frozenset[str]]:
        """What each may find; nothing before they are opened."""
        return {} if self._opened is None else self._opened.labels

    async def warm(self, names: frozenset[str]) -> None:
        """Let these load what they need."""
        if self._opened is not None and self._opened.warm is not None:
            await self._opened.warm(names)

    async def find(
        self,
        asked: Sequence[tuple[str, frozenset[Place]]],
        pieces: Sequence[Piece],
        time_s: float,
        *,
        tenant: str = "",
    ) -> Outcome:
        """Ask detectors by name, each about the texts in its places. Raises nothing.

        Large texts of one `tenant` take turns with those of others.
        """
        opened = self._opened or Opened()
        findings: list[list[Finding]] = [[] for _ in pieces]
        failed: dict[str, str] = {}
        took: list[tuple[str, int]] = []
        large = takes_long(pieces)

        async def ask(name: str, places: frozenset[Place]) -> None:
            reads = name in opened.slow
            where = [
                index
                for index, one in enumerate(pieces)
                if one.place in places and not (reads and one.token)
            ]
            began_ns = perf_counter_ns()
            try:
                found = await asyncio.wait_for(
                    self._asked(
                        opened,
                        name,
                        [pieces[index] for index in where],
                        large_of=tenant if large else None,
                    ),
                    time_s,
                )
                _check(found, [pieces[index] for index in where])
            except Exception as error:  # noqa: BLE001 - whatever it is, it means "couldn't look"
                failed[name] = self._told(name, error)
                return
            finally:
                took.append((name, (perf_counter_ns() - began_ns) // _NS_PER_US))
            for index, some in zip(where, found, strict=True):
                findings[index] += [_named(one, name) for one in some]

        slow = [ask(name, places) for name, places in asked if name in opened.slow]
        waiting = asyncio.gather(*slow) if slow else None
        for name, places in asked:
            if name not in opened.slow:
                await ask(name, places)
        if waiting is not None:
            await waiting
        return Outcome(tuple(map(tuple, findings)), failed, tuple(took))

    async def _asked(
        self, opened: Opened, name: str, pieces: Sequence[Piece], *, large_of: str | None
    ) -> Found:
        slow = opened.slow.get(name)
        if slow is not None:
            return await slow.find_all(pieces)
        detector = opened.quick[name]
        if large_of is None:
            return [detector.find(one.text, one.place) for one in pieces]
        gathered = Gathered(len(pieces))
        for batch in sliced(pieces):  # once nobody waits any more, none of the rest is begun
            found = await self._turns.take(large_of, partial(_look, detector, pieces, batch))
            for part, some in zip(batch, found, strict=True):
                gathered.take(part, some)
        return gathered.findings

    def _told(self, name: str, error: Exception) -> str:
        """Return what to call a failure; the log hears of the first, and of each thousandth."""
        count = self._failures[name] = self._failures.get(name, 0) + 1
        # an exception's own words may hold the text it choked on
        told = error.code if isinstance(error, LegatoError) else type(error).__name__
        if count % _WARN_EACH == 1:
            log.error("a detector failed", extra={"detector": name, "reason": told, "times": count})
        return told


def _look(detector: Detector, pieces: Sequence[Piece], batch: Sequence[Slice]) -> Found:
    return [
        detector.find(pieces[one.piece].text[one.start : one.end], pieces[one.piece].place)
        for one in batch
    ]


def _named(finding: Finding, detector: str) -> Finding:
    """Return a finding under the name that policies call its detector by."""
    if finding.detector == detector:
        return finding
    return msgspec.structs.replace(finding, detector=detector)


def _check(found: Found, pieces: Sequence[Piece]) -> None:
    """Refuse what lies outside the texts. Raises ValueError."""
    for some, piece in zip(found, pieces, strict=True):
        for one in some:
            if not 0 <= one.start < one.end <= len(piece.text):
                raise ValueError("a finding lies outside its text")
