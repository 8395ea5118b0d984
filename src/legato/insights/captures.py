"""Captured requests, opened: what was asked and answered, for those who judge or replay it."""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from legato.core.captured import CapturedContent, CapturedHead, decode_content, sealing_context
from legato.storage.kept.captures import CaptureFilter, CaptureReader, KeptCapture

_decode = msgspec.json.Decoder().decode


class Opener(Protocol):
    """Decrypts what is kept of each organisation; may block."""

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError for anything altered or bound to another context."""
        ...


class Capture(msgspec.Struct, frozen=True):
    """One captured request. `id` is the cursor to read on from."""

    id: int
    head: CapturedHead
    content: CapturedContent

    @property
    def body(self) -> dict[str, Any]:
        """What was asked, a rendered prompt and earlier turns included; {} where it is left out."""
        sent = self.content.rendered or self.content.request
        body: dict[str, Any] = _decode(sent) if sent else {}
        return body

    @property
    def answer(self) -> dict[str, Any] | None:
        """The whole answer, None for a stream or where none came or it is left out."""
        content = self.content
        if content.frames or not content.answer:
            return None
        answer: dict[str, Any] = _decode(content.answer)
        return answer


class Captures:
    """Reads and opens. Blocking; every method may raise StorageUnavailable and VaultUnusable.

    What can't be opened any more, since its key was destroyed or it was altered, is passed over.
    """

    def __init__(self, reader: CaptureReader, opener: Opener) -> None:
        self._reader = reader
        self._opener = opener

    def after(
        self, cursor: int, count: int, wanted: CaptureFilter | None = None
    ) -> tuple[list[Capture], int]:
        """Return up to `count` behind a cursor, oldest first, and the cursor to go on from."""
        kept = self._reader.after(cursor, count, wanted)
        return [*self._opened(kept)], kept[-1].id if kept else cursor

    def all(self, wanted: CaptureFilter | None = None) -> Iterator[Capture]:
        """Yield all, oldest first, in constant memory."""
        yield from self._opened(self._reader.all(wanted))

    def get(self, request_id: str) -> Capture | None:
        """Return one, None where it is not captured, not any more, or can't be opened."""
        kept = self._reader.get(request_id)
        return None if kept is None else next(self._opened([kept]), None)

    def newest(
        self, count: int, before: int | None = None, wanted: CaptureFilter | None = None
    ) -> list[KeptCapture]:
        """Return up to `count` as they are kept, newest first, from before a cursor."""
        return self._reader.newest(count, before, wanted)

    def _opened(self, kept: "list[KeptCapture] | Iterator[KeptCapture]") -> Iterator[Capture]:
        for one in kept:
            context = sealing_context(one.head.request_id)
            try:
                content = decode_content(self._opener.open(one.head.org, one.sealed, context))
            except ValueError:
                continue
            yield Capture(one.id, one.head, content)
