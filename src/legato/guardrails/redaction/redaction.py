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
from legato.guardrails.redaction.drawing import surrogates_for
from legato.guardrails.redaction.spans import Span, spans
from legato.guardrails.redaction.standing import Index

_LETTERS: Final = "bcdfghjkmnpqrstvwxz23456789"
_TAG_CHARS: Final = 6
"""27^6: a model that invents a tag doesn't hit the request's own."""
_NUMBER_MAX: Final = 999
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
        self._placeholders: set[str] = set()
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
        found = [(one, _stretches(one)) for one in marked]
        self._draw_surrogates(found)
        return {
            one.piece.where: self._without(one.piece.text, stretches)[one.piece.lead :]
            for one, stretches in found
            if stretches
        }

    @cached_property
    def index(self) -> Index:
        """Finds what stands for a value."""
        return Index(self.values)

    def is_placeholder(self, text: str) -> bool:
        """Whether what stands for a value is numbered, and not of the value's form."""
        return text in self._placeholders

    def _draw_surrogates(self, found: Iterable[tuple[Marked, Sequence[Span]]]) -> None:
        """Draw them for all values at once: so it takes no longer the more there are for each."""
        wanted: dict[str, str] = {}
        for one, stretches in found:
            for span in stretches:
                value = one.piece.text[span.start : span.end]
                if span.label in one.surrogates and value not in self._stands_for:
                    wanted.setdefault(value, span.label)
        if wanted:
            drawn = surrogates_for(wanted, self._texts, taken=self.values, draw=self._draw)
            for value, standing in drawn.items():
                self._note(value, standing)

    def _without(self, text: str, stretches: Sequence[Span]) -> str:
        parts: list[str] = []
        end = 0
        for one in stretches:
            parts += (text[end : one.start], self._standing(text[one.start : one.end], one.label))
            end = one.end
        return "".join((*parts, text[end:]))

    def _standing(self, value: str, label: str) -> str:
        """Return what stands for a value; the same for the same one, whatever its label."""
        known = self._stands_for.get(value)
        if known is None:
            known = self._placeholder(label)
            self._placeholders.add(known)
            self._note(value, known)
        return known

    def _note(self, value: str, standing: str) -> None:
        self._stands_for[value] = standing
        self.values[standing] = value
        self.__dict__.pop("index", None)

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


def _stretches(one: Marked) -> list[Span]:
    """Return what is found in a text itself."""
    lead = one.piece.lead
    found = spans(one.findings, len(one.piece.text))
    return [each._replace(start=max(lead, each.start)) for each in found if each.end > lead]
