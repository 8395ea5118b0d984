"""Keeps samples of finds from a worker: a queue, and a thread that seals and writes.

A sample may be lost where the database is away or more come than can be written: nothing is
decided by one that isn't there.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from msgspec.structs import replace

from legato.core.errors import LegatoError
from legato.core.guard_samples import Excerpt, encode_excerpt, excerpt_context
from legato.core.guarding import Finding
from legato.gateway.guards.sampling import SampleOffer
from legato.guardrails.labelling import labelled
from legato.guardrails.scanning import structured
from legato.storage.guard_samples import SealedSample

log = logging.getLogger(__name__)

_CONTEXT_CHARS: Final = 80
_FOUND_CHARS_MAX: Final = 400
_WAITING_CHARS_MAX: Final = 8 * 1024 * 1024
_WAITING_MAX: Final = 5_000
_WRITE_EVERY_S: Final = 0.5
_BATCH: Final = 100
Seal = Callable[[str, bytes, bytes], bytes]


class Intake(Protocol):
    """Where samples go; may raise StorageUnavailable."""

    def put(self, samples: Sequence[SealedSample]) -> None:
        """Keep those that are drawn."""
        ...


class SampleQueue:
    """What waits to be sealed and written, in bounds. Its thread starts with the first."""

    def __init__(self, seal: Seal, intake: Intake) -> None:
        self._seal = seal
        self._intake = intake
        self._waiting: deque[SampleOffer] = deque()
        self._offered_chars = self._taken_chars = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._losing = False

    def offer(self, offer: SampleOffer) -> None:
        """Take it, or drop it where too much waits; never waits."""
        waiting = self._offered_chars - self._taken_chars + len(offer.text)
        if waiting > _WAITING_CHARS_MAX or len(self._waiting) >= _WAITING_MAX:
            self._tell("too many wait")
            return
        self._offered_chars += len(offer.text)
        self._waiting.append(offer)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="guard samples", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what waits, then end. Blocking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_WRITE_EVERY_S):
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            try:
                self._intake.put([self._sealed(one) for one in some])
                self._losing = False
            except LegatoError as error:
                self._tell(error.code)
            except Exception:  # a defect must not end the thread: nothing would be kept any more
                log.exception("samples of guardrails are lost")
            self._taken_chars += sum(len(one.text) for one in some)

    def _sealed(self, offer: SampleOffer) -> SealedSample:
        sample = offer.sample
        if not offer.text:
            return SealedSample(sample, b"")
        text = encode_excerpt(excerpt_of(offer))
        return SealedSample(sample, self._seal(sample.org, text, excerpt_context(sample.id)))

    def _tell(self, reason: str) -> None:
        if not self._losing:
            log.warning("samples of guardrails are lost", extra={"reason": reason})
        self._losing = True


def excerpt_of(offer: SampleOffer) -> Excerpt:
    """Return what is kept of a text; what is masked is found in all of it, then cut."""
    text, first, last = offer.text, offer.sample.first, offer.sample.last
    masked = list(offer.masked)
    if offer.labelled:
        masked += structured().find(text)
    shown = min(last, first + _FOUND_CHARS_MAX)
    parts = ((max(0, first - _CONTEXT_CHARS), first), (first, shown), (last, last + _CONTEXT_CHARS))
    return Excerpt(*(_cut(text, start, end, masked) for start, end in parts))


def _cut(text: str, start: int, end: int, masked: Iterable[Finding]) -> str:
    part = text[start:end]
    within = (
        replace(one, start=max(0, one.start - start), end=min(len(part), one.end - start))
        for one in masked
        if one.start < end and one.end > start
    )
    return labelled(part, within)
