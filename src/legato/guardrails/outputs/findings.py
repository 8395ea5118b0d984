"""What the checks of one answer found, gathered from all its texts."""

from typing import Final

import msgspec

from legato.core.guard_output import CheckFired

SPANS_MAX: Final = 20
"""Of one check that are written down; all are counted."""


class Fired(msgspec.Struct):
    """What one check found."""

    check: str
    action: str
    count: int = 0
    where: str = ""
    spans: list[tuple[int, int]] = []
    said: str = ""


class Found:
    """Gathers. Never holds text of the answer."""

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

    def add(self, check: str, action: str, where: str, span: tuple[int, int] | None = None) -> None:
        """Count one finding; `span` counts characters of the text at `where`."""
        key = check, action, where
        fired = self._fired.get(key)
        if fired is None:
            fired = self._fired[key] = Fired(check, action, where=where)
        fired.count += 1
        if span is not None and len(fired.spans) < SPANS_MAX:
            fired.spans.append(span)

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
