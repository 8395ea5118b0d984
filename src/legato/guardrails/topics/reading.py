"""Which texts of a request or an answer are read for their topic, and in what parts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from legato.core.guarding import Piece, Place

STRETCH_CHARS: Final = 600
"""A longer text is read in stretches of whole sentences: one matter among many would drown."""
STRETCHES_MAX: Final = 64
"""Of one text: of a longer one the stretches are longer."""
WORDS_MIN: Final = 5
"""A turn with fewer is read together with the one before it."""
_WORD: Final = re.compile(r"[^\W_]+")
_CUT: Final = re.compile(r"(?<=[.!?。！？])\s+|\n+")  # noqa: RUF001 - their full stops, too
_LISTED: Final = re.compile(r"/(messages|input|prompt|documents|query)/(\d+)(?=/|$)")
_PLAIN: Final = frozenset({"/prompt", "/input", "/query"})
_SAID: Final = re.compile(r"/(?:content|text)(?:/|$)")


class Stretch(NamedTuple):
    """A part of a text, told by its place in it."""

    piece: Piece
    start: int
    end: int
    text: str


class Reading(NamedTuple):
    """What is read: each stretch by itself, and the last turn as a whole."""

    stretches: tuple[Stretch, ...]
    turn: Stretch | None
    """What must be about something that is allowed; None where too little is said to tell."""

    @property
    def texts(self) -> list[str]:
        """What vectors are needed of: of the stretches in their order, then of the turn."""
        return [one.text for one in (*self.stretches, *filter(None, (self.turn,)))]


def reading_of(body: Mapping[str, Any], pieces: Sequence[Piece]) -> Reading:
    """Return what of a request is read: what its user says, documents and results of tools."""
    turns: dict[str, list[Piece]] = {}
    stretches: list[Stretch] = []
    for piece in pieces:
        if piece.where.endswith("#"):
            continue
        turn = _turn_of(body, piece) if piece.place is Place.INPUT else None
        if turn is not None:
            turns.setdefault(turn, []).append(piece)
        if turn is not None or piece.place in {Place.TOOL_RESULT, Place.DOCUMENT}:
            stretches += stretches_of(piece)
    return Reading(tuple(stretches), _last(list(turns.values())))


def reading_of_answer(piece: Piece) -> Reading:
    """Return what of an answer is read."""
    whole = Stretch(piece, 0, len(piece.text), piece.text)
    return Reading(tuple(stretches_of(piece)), whole if _words(piece.text) >= WORDS_MIN else None)


def stretches_of(piece: Piece) -> list[Stretch]:
    """Cut a text into stretches of sentences."""
    text = piece.text
    most = max(STRETCH_CHARS, -(-len(text) // STRETCHES_MAX))
    if len(text) <= most:
        return [Stretch(piece, 0, len(text), text)] if text.strip() else []
    ends = [match.end() for match in _CUT.finditer(text)] + [len(text)]
    found: list[Stretch] = []
    start = last = 0
    for end in ends:
        while end - start > most:
            cut = last if last > start else start + most
            found.append(Stretch(piece, start, cut, text[start:cut]))
            start = cut
        last = end
    if text[start:].strip():
        found.append(Stretch(piece, start, len(text), text[start:]))
    return found


def _last(turns: Sequence[Sequence[Piece]]) -> Stretch | None:
    if not turns:
        return None
    text = "\n".join(one.text for one in turns[-1])
    if _words(text) < WORDS_MIN and len(turns) > 1:
        text = "\n".join([*(one.text for one in turns[-2]), text])
    if _words(text) < WORDS_MIN:
        return None
    piece = turns[-1][-1]
    return Stretch(piece, 0, len(piece.text), text)


def _words(text: str) -> int:
    return sum(1 for _ in _WORD.finditer(text))


def _turn_of(body: Mapping[str, Any], piece: Piece) -> str | None:
    """Return a name for the turn of the user that a text belongs to; None where it is no such."""
    if piece.where in _PLAIN:
        return piece.where
    match = _LISTED.match(piece.where)
    if match is None:
        return None
    listed = body.get(match[1])
    one = listed[int(match[2])] if isinstance(listed, list) else None
    if isinstance(one, str):
        return match[0]
    if not isinstance(one, dict) or one.get("role") != "user":
        return None
    return match[0] if _SAID.match(piece.where, match.end()) else None
