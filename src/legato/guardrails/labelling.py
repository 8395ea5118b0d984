"""Puts labels in the place of what is found, for copies that are kept: nothing comes back."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from legato.core.guarding import Finding
from legato.guardrails.pieces import looked_into
from legato.guardrails.redaction.spans import spans
from legato.guardrails.replacing import replaced

LEFT_OUT: Final = "[left out]"
"""Stands for files in base64, which nothing looks into."""
_FILE_MIN: Final = 256
_FILE_FIELDS: Final = frozenset({"data", "file_data", "b64_json", "result"})
_ENCODED: Final = ";base64,"
_HEAD: Final = 128
Find = Callable[[str], Sequence[Finding]]


def labelled(text: str, findings: Iterable[Finding]) -> str:
    """Return a text with `[LABEL]` for each stretch that was found."""
    parts: list[str] = []
    end = 0
    for one in spans(findings, len(text)):
        parts += (text[end : one.start], f"[{one.label}]")
        end = one.end
    return "".join((*parts, text[end:]))


def labelled_body(body: dict[str, Any], find: Find) -> dict[str, Any]:
    """Return a request with labels for what is found anywhere in it; files are left out.

    Raises:
        InvalidRequest: it is too deep.
    """
    bare: dict[str, Any] = _without_files(body)
    changed: dict[str, str] = {}
    looked = looked_into(bare)
    for piece in (*looked.texts, *looked.names):
        found = find(piece.text)
        if found:
            changed[piece.where] = labelled(piece.text, found)[piece.lead :]
    return replaced(bare, changed)


class LabellingFilter:
    """A `TextFilter` that holds a text back until its end: it is for copies, not for callers."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._parts: list[str] = []

    def feed(self, text: str) -> str:
        """Hold it."""
        self._parts.append(text)
        return ""

    def end(self) -> str:
        """Return all of it, labelled."""
        text = "".join(self._parts)
        self._parts = []
        return labelled(text, self._find(text))


def _without_files(value: Any, field: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _without_files(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_files(one, field) for one in value]
    if isinstance(value, str) and len(value) >= _FILE_MIN:
        encoded = _ENCODED in value[:_HEAD] and value.startswith("data:")
        if encoded or (field in _FILE_FIELDS and " " not in value):
            return LEFT_OUT
    return value
