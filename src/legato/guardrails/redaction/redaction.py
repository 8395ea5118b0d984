"""What stands for the values of one request.

Placeholders are `LABEL_tag_001`: the label tells the model what it is about, the tag is drawn for
each request until none of its texts holds it, and a number always has three digits, so that none
is the beginning of another. Letters, digits and underscores alone are valid wherever a text can
stand, in JSON, URLs and names of functions, and no model has a reason to rewrite them.

The values live as long as the request, in memory only.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from secrets import randbelow
from typing import Final, Protocol

from legato.core.guarding import Finding, Piece
from legato.guardrails.redaction.spans import Span, spans
from legato.guardrails.redaction.surrogates import SURROGATES

_LETTERS: Final = "bcdfghjkmnpqrstvwxz23456789"
_TAG_CHARS: Final = 6
"""27^6: a model that invents a tag doesn't hit the request's own."""
_NUMBER_MAX: Final = 999
_DRAWS_MAX: Final = 64
_LABEL: Final = re.compile(r"[^A-Z0-9]+")


class Marked(Protocol):
    """A text in which something is to be replaced."""

    @property
    def piece(self) -> Piece:
        """The text."""
        ...

    @property
    def findings(self) -> Iterable[Finding]:
        """What is to be replaced."""
        ...

    @property
    def surrogates(self) -> Collection[str]:
        """Labels whose values are replaced by one of the same form, where there is one."""
        ...


class Redaction:
    """One request's values, and what stands for them. Never shared between requests."""

    def __init__(self, *, draw: Callable[[int], int] = randbelow) -> None:
        """`draw` returns a random integer below its argument."""
        self._draw = draw
        self._stands_for: dict[str, str] = {}  # what stands for a value, by the value
        self._texts: tuple[str, ...] = ()
        self._tag = ""
        self._numbered = _NUMBER_MAX
        self.values: dict[str, str] = {}
        """The values, by what stands for them."""
        self.tags: list[str] = []
        self.labels: set[str] = set()
        """Of placeholders, as they are written in them."""
        self.restored = 0
        """How often a value was put back into an answer."""
        self.unknown = 0
        """How often an answer held a placeholder that stands for nothing, or a part of one."""

    def redacted(self, marked: Iterable[Marked], texts: Iterable[Piece]) -> dict[str, str]:
        """Return the new texts of the pieces in which something was found, by their pointers.

        `texts` are all texts of the request: what stands for values is drawn so that none of
        them holds it.
        """
        self._texts += tuple(piece.text for piece in texts)
        changed: dict[str, str] = {}
        for one in marked:
            text = one.piece.text
            stretches = spans(one.findings, len(text))
            if stretches:
                changed[one.piece.where] = self._without(text, stretches, one.surrogates)
        return changed

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What may stand for a value: all that does, and numbers of its form that don't."""
        ways = [re.escape(text) for text in self.values if not self._is_placeholder(text)]
        if self.tags:
            labels = "|".join(sorted(self.labels, key=len, reverse=True))
            ways.append(f"(?:{labels})_(?:{'|'.join(self.tags)})_[0-9]{{3}}")
        return re.compile("|".join(ways) or r"(?!)")

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """Every proper beginning of what stands for a value."""
        return frozenset(text[:size] for text in self.values for size in range(1, len(text)))

    @cached_property
    def longest(self) -> int:
        """The length of the longest beginning."""
        return max((len(text) for text in self.values), default=1) - 1

    def _without(self, text: str, stretches: Sequence[Span], surrogates: Collection[str]) -> str:
        parts: list[str] = []
        end = 0
        for one in stretches:
            alike = one.label in surrogates
            standing = self._standing(text[one.start : one.end], one.label, alike=alike)
            parts += (text[end : one.start], standing)
            end = one.end
        return "".join((*parts, text[end:]))

    def _standing(self, value: str, label: str, *, alike: bool) -> str:
        """Return what stands for a value; the same for the same one, whatever its label."""
        known = self._stands_for.get(value)
        if known is not None:
            return known
        drawn = (self._surrogate(value, label) if alike else "") or self._placeholder(label)
        self._stands_for[value] = drawn
        self.values[drawn] = value
        for name in ("pattern", "beginnings", "longest"):
            self.__dict__.pop(name, None)
        return drawn

    def _surrogate(self, value: str, label: str) -> str:
        """Return one that is part of nothing else and that nothing else is part of, or ""."""
        make = SURROGATES.get(label)
        if make is None:
            return ""
        for _ in range(_DRAWS_MAX):
            drawn = make(value, self._draw)
            if not drawn:
                return ""
            clashes = any(drawn in text for text in self._texts)
            if not clashes and not any(drawn in one or one in drawn for one in self.values):
                return drawn
        return ""

    def _placeholder(self, label: str) -> str:
        written = _LABEL.sub("_", label.upper()).strip("_") or "VALUE"
        if self._numbered >= _NUMBER_MAX:
            self._tag, self._numbered = self._new_tag(), 0
            self.tags.append(self._tag)
        self._numbered += 1
        self.labels.add(written)
        return f"{written}_{self._tag}_{self._numbered:03d}"

    def _new_tag(self) -> str:
        while True:
            tag = "".join(_LETTERS[self._draw(len(_LETTERS))] for _ in range(_TAG_CHARS))
            if tag not in self.tags and not any(tag in text for text in self._texts):
                return tag

    def _is_placeholder(self, text: str) -> bool:
        return any(f"_{tag}_" in text for tag in self.tags)
