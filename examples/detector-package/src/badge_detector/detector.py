"""The detector `badges`: numbers of staff badges whose check digit is right."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Finding, Place

LABELS: Final = frozenset({"BADGE"})


class Badges:
    """It keeps nothing between texts."""

    name = "badges"
    labels = LABELS

    def __init__(self, prefix: str) -> None:
        """`prefix` is what stands before the number."""
        self._form = re.compile(rf"\b{re.escape(prefix)}-(\d{{5}})-(\d)\b")

    def find(self, text: str, place: Place) -> Sequence[Finding]:
        """Return the badges in a text, in its order."""
        del place  # a badge is one wherever it stands
        return [
            Finding("BADGE", *match.span(), 1.0, self.name)
            for match in self._form.finditer(text)
            if sum(map(int, match[1])) % 10 == int(match[2])
        ]


class Kind:
    """What the entry point gives: the labels, and how a detector is made of its settings."""

    labels = LABELS
    quick = True

    def __call__(self, settings: Mapping[str, Any]) -> Badges:
        """Make one. Raises ConfigInvalid."""
        if unknown := sorted(settings.keys() - {"prefix"}):
            raise ConfigInvalid(f"settings.{unknown[0]}: unknown; there is `prefix` alone")
        return Badges(str(settings.get("prefix", "B")))


KIND: Final = Kind()
