"""What the checks of one answer found, gathered from all its texts."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from legato.core.guard_output import CheckFired
from legato.core.guarding import Finding

SPANS_MAX: Final = 20
"""Of one check that are written down; all are counted."""
NOTICED_MAX: Final = 20
"""Of one answer, for people to judge."""


class Noticed(NamedTuple):
    """Something that a rule found in an answer and nothing is done about, for people to judge."""

    origin: Any
    """The policy and the rule."""
    finding: Finding
    """With its place in the text."""
    where: str
    parts: Sequence[str] = ()
    """The text as it comes; nothing where none may be kept."""


class Fired(msgspec.Struct):
    """What one check found."""

    check: str
    action: str
    count: int = 0
    where: str = ""
    spans: list[tuple[int, int]] = []
    said: str = ""


class Found:
    """Gathers. Holds text of the answer only where samples of it may be kept."""

    def __init__(self) -> None:
        self._fired: dict[tuple[str, str, str], Fired] = {}
        self.held_ms = 0.0
        """The longest that a piece of text waited to be checked."""
        self.check_ms = 0.0
        """What looking took, all texts together."""
        self.open = 0
        """Texts that were begun and not checked to their end."""
        self.ended = 0
        """Texts that were checked to their end."""
        self.noticed: list[Noticed] = []
        self.samples = False
        """Whether anything is to be noticed."""
        self.keeps_text = False
        """Whether text of the answer may be kept with what is noticed."""
        self.withheld: set[str] = set()
        """Texts of which something was taken out."""

    def add(self, check: str, action: str, where: str, span: tuple[int, int] | None = None) -> None:
        """Count one finding; `span` counts characters of the text at `where`."""
        key = check, action, where
        fired = self._fired.get(key)
        if fired is None:
            fired = self._fired[key] = Fired(check, action, where=where)
        fired.count += 1
        if span is not None and len(fired.spans) < SPANS_MAX:
            fired.spans.append(span)

    def notice(self, noticed: Noticed) -> None:
        """Note what people may judge."""
        if self.samples and noticed.origin is not None and len(self.noticed) < NOTICED_MAX:
            self.noticed.append(noticed)

    def begin(self) -> None:
        """Begin with another answer: what was noticed in the last one stays, without its text."""
        self.open = self.ended = 0
        self.withheld.clear()
        self.noticed = [one._replace(parts=()) for one in self.noticed]

    def held(self, for_ms: float) -> None:
        """Note how long text waited."""
        self.held_ms = max(self.held_ms, for_ms)

    @property
    def fired(self) -> tuple[CheckFired, ...]:
        """What was found, in the order it was."""
        return tuple(
            CheckFired(one.check, one.action, one.count, one.where, tuple(one.spans))
            for one in self._fired.values()
        )
