"""Detectors of the operator's own behind HTTP: whatever they are written in.

They are sent `{"texts": [{"text": ..., "place": "input"}, ...]}` and answer
`{"findings": [[{"label": ..., "start": 0, "end": 5, "score": 0.9}], ...]}`, a list for each text,
with positions in characters (code points).
"""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from legato.core.errors import DetectorFailed
from legato.core.guarding import Finding, Piece

Post = Callable[[bytes], Awaitable[bytes]]
"""Posts JSON to the detector's address and returns the body of its answer, which was a 200."""


class _Found(msgspec.Struct, frozen=True):
    label: str
    start: int
    end: int
    score: float = 1.0


class _Answer(msgspec.Struct, frozen=True):
    findings: list[list[_Found]]


_decode = msgspec.json.Decoder(_Answer).decode


class HttpDetector:
    """One that is called over HTTP."""

    def __init__(self, name: str, labels: frozenset[str], post: Post) -> None:
        self.name = name
        self.labels = labels
        self._post = post

    async def find_all(self, pieces: Sequence[Piece]) -> Sequence[Sequence[Finding]]:
        """Return what is in each piece. Raises DetectorFailed."""
        texts = [{"text": one.text, "place": one.place.value} for one in pieces]
        body = await self._post(msgspec.json.encode({"texts": texts}))
        try:
            found = _decode(body).findings
        except msgspec.MsgspecError:
            raise DetectorFailed("Its answer isn't of the form that is documented.") from None
        if len(found) != len(pieces):
            raise DetectorFailed("It answered another number of texts than it was asked.")
        return [
            [Finding(one.label, one.start, one.end, one.score, self.name) for one in some]
            for some in found
        ]
