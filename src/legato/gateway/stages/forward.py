"""What happens to each packet of a running stream: read, kept for the cache, sent on.

It runs as the provider's packet comes in, outside of the call's task, which sleeps until there
is something to wait for: waking it for each event would cost as much as the event itself.
"""

from time import perf_counter_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legato.core.wire import StreamReader
    from legato.gateway.context import Call, Sink


class Forward:
    """Takes the upstream's bytes, sends the caller's frames; false to let the call's task look.

    `unsent` are the last frames: they wait until the books are closed.
    """

    __slots__ = (
        "_call",
        "_feed",
        "_kept",
        "_kept_bytes",
        "_reader",
        "_sink",
        "pause_at_chars",
        "unsent",
    )

    def __init__(
        self,
        call: "Call",
        reader: "StreamReader",
        sink: "Sink",
        *,
        kept_bytes: int,
        pause_at_chars: int,
    ) -> None:
        """Keep up to `kept_bytes`; pause when so many characters of text have come."""
        self._call = call
        self._reader = reader
        self._feed = reader.feed
        self._sink = sink
        self._kept: list[bytes] = []
        self._kept_bytes = kept_bytes
        self.pause_at_chars = pause_at_chars
        self.unsent = b""

    def __call__(self, chunk: bytes) -> bool:
        """Take a piece of the upstream's body."""
        self._call.silent_since_ns = perf_counter_ns()
        return self.frames(self._feed(chunk))

    def frames(self, frames: bytes) -> bool:
        """Send frames on, unless they are the last."""
        reader = self._reader
        if reader.finished:
            self.unsent = frames
            return False
        if reader.error is not None:
            return False
        if not frames:
            return True
        if self._kept_bytes > 0:
            self._kept.append(frames)
            self._kept_bytes -= len(frames)
        return self._sink.send(frames) and reader.output_chars < self.pause_at_chars

    def kept(self, last: bytes) -> bytes:
        """Return all that went out, `last` included; nothing where it was too much."""
        return b"".join((*self._kept, last)) if self._kept_bytes > 0 else b""
