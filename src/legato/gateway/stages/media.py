"""One attempt at images or sound: the answer keeps the provider's content type."""

from typing import TYPE_CHECKING

from legato.core.wire import Operation
from legato.gateway.stages.exchange import Exchange, Upstream

if TYPE_CHECKING:
    from legato.core.errors import UpstreamError
    from legato.core.usage import Usage
    from legato.gateway.books import Attempt
    from legato.gateway.context import Call, Reply, Sink
    from legato.providers.transport import Response

_OCTETS = b"application/octet-stream"


class MediaExchange(Exchange):
    """Makes one attempt; sound goes out as it comes."""

    async def _whole(
        self, call: "Call", sink: "Sink", attempt: "Attempt", response: "Response"
    ) -> "Reply":
        content_type = _content_type(response)
        if call.surface.operation is Operation.SPEECH:
            sound = Upstream(response, SoundReader(attempt.deployment.model), content_type)
            return await self._stream(call, sink, attempt, sound)
        reply = await super()._whole(call, sink, attempt, response)
        reply.content_type = content_type
        return reply


class SoundReader:
    """A `StreamReader` of bytes that nobody reads: whole where the body came to its proper end.

    A provider counts what it was given to speak, not what was heard, and reports nothing.
    """

    usage: "Usage | None" = None
    error: "UpstreamError | None" = None
    output_chars = 0

    def __init__(self, model: str) -> None:
        self.model = model
        self.started = False
        self.finished = False

    def feed(self, chunk: bytes) -> bytes:
        """Pass bytes on."""
        self.started = True
        return chunk

    def close(self) -> bytes:
        """Take the proper end; without a sound before it there was no answer."""
        self.finished = self.started
        return b""


def _content_type(response: "Response") -> bytes:
    for name, value in response.headers:
        if name == b"content-type":
            return value
    return _OCTETS
