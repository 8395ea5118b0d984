"""What `legato guard scan` tells of one find."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import msgspec

from legato.cli.guardrails.scan_sources import Source
from legato.core.guarding import Finding


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """A find in a file. `line` and `column` count from 1, `start` and `end` from 0.

    In JSON lines, `start` and `end` are places in the string that `pointer` names, and the column
    is that of `start` in it. A key that holds a find is hidden in pointers.
    """

    file: str
    line: int
    column: int
    start: int
    end: int
    label: str
    detector: str
    score: float
    pointer: str | None = None
    text: str | None = None


def located(source: Source, findings: Iterable[Finding], *, show: bool) -> Iterator[Found]:
    """Yield findings of a text with their lines and columns; with their text only to `show` it."""
    text, whole = source.text, source.pointer is None
    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    for one in findings:
        row = bisect_right(starts, one.start) - 1 if whole else 0
        yield Found(
            source.file,
            source.line + row,
            one.start - (starts[row] if whole else 0) + 1,
            one.start,
            one.end,
            one.label,
            one.detector,
            round(one.score, 4),
            source.pointer,
            text[one.start : one.end] if show else None,
        )
