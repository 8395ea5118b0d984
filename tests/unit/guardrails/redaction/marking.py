"""Texts in which something is to be redacted."""

from collections.abc import Iterable

import msgspec

from legato.core.guarding import Finding, Piece
from legato.guardrails.redaction import Redaction


class Marked(msgspec.Struct, frozen=True):
    piece: Piece
    findings: tuple[Finding, ...]
    surrogates: frozenset[str] = frozenset()


def marked(
    text: str, *found: tuple[str, str], where: str = "/t", surrogates: Iterable[str] = ()
) -> Marked:
    """Mark values in a text, each with its label."""
    findings = tuple(
        Finding(label, text.index(value), text.index(value) + len(value)) for value, label in found
    )
    return Marked(Piece(text, where), findings, frozenset(surrogates))


def redact(redaction: Redaction, *given: Marked) -> list[str]:
    texts = redaction.redacted(given, [one.piece for one in given])
    return [texts.get(one.piece.where, one.piece.text) for one in given]
