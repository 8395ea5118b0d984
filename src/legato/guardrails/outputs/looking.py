"""What detectors that run elsewhere find in an answer: asked about all of it, between two passes.

The first pass gathers the texts that rules want looked at; then the detectors are asked once about
all of them; the second pass acts on what they found. So nothing of a stream goes out before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from legato.core.errors import DetectorFailed
from legato.core.guarding import Finding, Piece, Place
from legato.guardrails.outputs.holding import Watch

_NOT_ASKED = "A text of the answer wasn't looked at, so it can't go out."


class SlowRule(NamedTuple):
    """A rule about answers that asks detectors elsewhere."""

    watch: Watch
    """What is done; its finder finds nothing."""
    find: Callable[[Sequence[Finding], str], Sequence[Finding]]
    """Returns what the rule says of what detectors found in a text."""
    detectors: Mapping[str, frozenset[Place]]
    """Whom it asks, about what."""
    time_s: float

    @property
    def protects(self) -> bool:
        """Whether something would come through if it went unasked."""
        return self.watch.enforced and self.watch.action != "flag"


class Looked:
    """The texts of one answer, and what was found in them."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[Place, str], None] = {}
        self._found: dict[tuple[Place, str], Sequence[Finding]] = {}
        self.gathers = False
        """Texts are only gathered."""
        self.was_before = False
        """It is an answer of a cache: it was looked at before it was kept."""

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Gather the texts of another answer."""
        self._wanted, self._found = {}, {}
        self.gathers, self.was_before = True, False
        try:
            yield
        finally:
            self.gathers = False

    @property
    def pieces(self) -> list[Piece]:
        """The texts."""
        return [Piece(text, "answer", place) for place, text in self._wanted]

    def take(self, pieces: Sequence[Piece], findings: Sequence[Sequence[Finding]]) -> None:
        """Take what was found in them."""
        for piece, some in zip(pieces, findings, strict=True):
            self._found[piece.place, piece.text] = some

    def of(self, place: Place, text: str) -> Sequence[Finding] | None:
        """Return what was found in a text; None while texts are gathered.

        Raises:
            DetectorFailed: nobody was asked about it.
        """
        if self.was_before or not text.strip():
            return ()
        if self.gathers:
            self._wanted[place, text] = None
            return None
        found = self._found.get((place, text))
        if found is None:
            raise DetectorFailed(_NOT_ASKED)
        return found


class LookedFinder:
    """A Finder over what was found elsewhere: it needs all of a text."""

    def __init__(self, looked: Looked, rule: SlowRule, place: Place) -> None:
        self._looked = looked
        self._rule = rule
        self._place = place

    def find(self, text: str) -> Sequence[Finding]:
        """Return what is in a text. Raises DetectorFailed."""
        found = self._looked.of(self._place, text)
        return () if found is None else self._rule.find(found, text)

    def open_from(self, text: str) -> int:
        """Return that nothing is known before the end."""
        del text
        return 0
