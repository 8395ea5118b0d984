"""A caller behind something that looks at what is sent: what it leaves alone passes through."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legato.gateway.context import Headers, Sink


class SinkBehind:
    """A `Sink` in front of another one; to be derived from."""

    def __init__(self, sink: "Sink") -> None:
        self._sink = sink

    @property
    def began(self) -> bool:
        """Whether the status line has gone out."""
        return self._sink.began

    @began.setter
    def began(self, began: bool) -> None:
        self._sink.began = began

    @property
    def gone(self) -> bool:
        """Whether the caller has left."""
        return self._sink.gone

    @gone.setter
    def gone(self, gone: bool) -> None:
        self._sink.gone = gone

    async def reply(self, status: int, headers: "Headers", body: bytes) -> None:
        """Send a whole answer."""
        await self._sink.reply(status, headers, body)

    async def start(self, headers: "Headers") -> None:
        """Begin a stream."""
        await self._sink.start(headers)

    def send(self, frames: bytes) -> bool:
        """Send part of a stream."""
        return self._sink.send(frames)

    async def drained(self) -> None:
        """Return once the caller has taken enough."""
        await self._sink.drained()

    async def end(self, frames: bytes = b"") -> None:
        """End a stream."""
        await self._sink.end(frames)

    def cut(self) -> None:
        """Break a stream off."""
        self._sink.cut()
