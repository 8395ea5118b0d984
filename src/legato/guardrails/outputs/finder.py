"""What looks for something in a text that may not be all there yet."""

from collections.abc import Callable, Sequence
from typing import Protocol

from legato.core.guarding import Finding


class Finder(Protocol):
    """Looks for one kind of thing."""

    def find(self, text: str) -> Sequence[Finding]:
        """Return what is in a text."""
        ...

    def open_from(self, text: str) -> int:
        """Return where something may have begun that more text would complete.

        The length of the text where nothing has. What ends before it will not change.
        """
        ...


class WindowFinder:
    """Finds what a function finds; in streams what is up to `window` characters long."""

    def __init__(self, find: Callable[[str], Sequence[Finding]], window: int) -> None:
        self.find = find
        self._window = window

    def open_from(self, text: str) -> int:
        """Return where the window begins."""
        return max(0, len(text) - self._window)
