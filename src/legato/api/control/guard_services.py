"""What the control API works with to say what policies would do."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from legato.core.guarding import Place


class PolicyAsked(msgspec.Struct, frozen=True):
    """A policy of the registry, or a draft: `content` as a version has it."""

    name: str
    version: str
    content: Any


class Hit(msgspec.Struct, frozen=True):
    """What a rule would find, in characters of the text; `enforced` where it acts."""

    policy: str
    rule: str
    label: str
    action: str
    enforced: bool
    start: int
    end: int
    score: float
    detector: str


class Previewed(msgspec.Struct, frozen=True):
    """What would be done with a text."""

    policies: tuple[str, ...]
    action: str
    """The strictest, "" for none."""
    hits: tuple[Hit, ...]
    unasked: tuple[str, ...]
    """What a request would ask too, and a preview doesn't."""


class GuardPreviewing(Protocol):
    """Says what policies would do; blocking."""

    def check(self, content: Any) -> None:
        """Refuse a draft that can't become a version. Raises InvalidRequest."""
        ...

    def look(
        self, org: str, asked: Sequence[PolicyAsked] | None, text: str, place: Place
    ) -> Previewed:
        """Look into a text by some policies; None: by those of the configuration.

        Raises:
            InvalidRequest: a detector couldn't look.
        """
        ...
