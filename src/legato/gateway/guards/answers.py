"""Passes an answer's texts through filters, on its way from the provider to the caller.

A call names its filters in `answer_filters`; where it has none, nothing here runs. Else the fast
lane is off: every frame is read, its texts are filtered, and it is written anew. Filters are made
for each attempt, so an answer that was dropped leaves nothing behind.

A stream counts as begun once something of a text has gone on: until then a failure, a filter's,
too, is an HTTP error or leads to another provider.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from legato.core.capability import JSON_OBJECT, JSON_SCHEMA
from legato.core.errors import BadProviderResponse, UpstreamError
from legato.core.wire import Dialect, Operation, StreamReader
from legato.detectors.running import ON_THE_SPOT_CHARS
from legato.gateway.context import Reply
from legato.gateway.guards.channels import Texts, quoted
from legato.gateway.guards.chat_answers import ChatAnswer
from legato.gateway.guards.message_answers import MessageAnswer
from legato.gateway.guards.response_answers import ResponseAnswer
from legato.gateway.readers import ReaderAround
from legato.providers import sse

if TYPE_CHECKING:
    from legato.gateway.context import Call

HELD_BYTES_MAX: Final = 16 * 1024 * 1024
_UNREAD = "the provider's answer can't be read, so it can't be checked"
_NOT_UNDERSTOOD = (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError)


class DialectAnswer(Protocol):
    """One answer of a dialect."""

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a complete answer, its texts passed on."""
        ...

    def event(self, event: bytes) -> bytes:
        """Return what goes out in the place of a frame."""
        ...


class RankedAnswer:
    """Documents that were ranked, where they are repeated in the answer."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer, its documents passed on."""
        for result in body.get("results") or ():
            if "document" in result:
                result["document"] = quoted(self._texts, result["document"])
        return body

    def event(self, event: bytes) -> bytes:
        """Return a frame as it is: these answers have none."""
        return event


def filtered(call: "Call", body: bytes) -> bytes:
    """Return a complete answer, its texts passed through the call's filters.

    Raises:
        OutputBlocked: a filter withholds it.
        BadProviderResponse: it can't be read.
    """
    answer = answer_of(call, _texts(call))
    if answer is None:
        return body
    try:
        return msgspec.json.encode(answer.whole(msgspec.json.decode(body)))
    except _NOT_UNDERSTOOD as error:
        raise BadProviderResponse(_UNREAD) from error


async def passed(call: "Call", body: bytes) -> bytes:
    """Return a complete answer that may go out, having asked elsewhere where that is needed.

    Raises:
        DetectorFailed: it couldn't be looked at. What `filtered` raises.
    """
    outputs, in_thread = call.outputs, call.in_thread
    if outputs is not None and outputs.asks_elsewhere:
        answer = answer_of(call, Texts(call.answer_filters[:1]))
        if answer is not None:
            try:
                await outputs.look(partial(answer.whole, msgspec.json.decode(body)))
            except _NOT_UNDERSTOOD as error:
                raise BadProviderResponse(_UNREAD) from error
    if in_thread is not None and len(body) > ON_THE_SPOT_CHARS:
        body = await in_thread(partial(filtered, call, body))
    else:
        body = filtered(call, body)
    if outputs is not None and outputs.is_reviewed:
        await outputs.review()
    return body


async def released(call: "Call", reader: StreamReader) -> bytes:
    """Return the frames that were held until detectors elsewhere were asked about the answer.

    Raises:
        DetectorFailed: it couldn't be looked at. OutputBlocked, OutputInvalid.
    """
    frames = await reader.released(call) if isinstance(reader, FilteringReader) else b""
    if call.outputs is not None and call.outputs.is_reviewed:
        await call.outputs.review()
    return frames


def filtered_reply(call: "Call", reply: Reply) -> Reply:
    """Return an answer of a cache, passed through the call's filters as a fresh one is."""
    if not call.answer_filters:
        return reply
    if call.outputs is not None:
        call.outputs.was_kept()
    if not reply.frames:
        return Reply(filtered(call, reply.body), content_type=reply.content_type)
    answer = answer_of(call, _texts(call))
    if answer is None:
        return reply
    try:
        frames = b"".join(map(answer.event, sse.split(reply.body)))
    except _NOT_UNDERSTOOD as error:
        raise BadProviderResponse(_UNREAD) from error
    return Reply(frames, frames=True)


def filtering(call: "Call", reader: StreamReader) -> StreamReader:
    """Return a reader whose frames have passed the call's filters."""
    texts = _texts(call)
    answer = answer_of(call, texts)
    if answer is None:
        return reader
    holds = call.outputs is not None and call.outputs.asks_elsewhere
    kept_bytes = _kept_bytes(call)
    found = FilteringReader(reader, texts, answer, kept_bytes=kept_bytes, holds=holds)
    call.filtering = found
    return found


class FilteringReader(ReaderAround):
    """A `StreamReader` around another one."""

    def __init__(
        self,
        reader: StreamReader,
        texts: Texts,
        answer: DialectAnswer,
        *,
        kept_bytes: int,
        holds: bool = False,
    ) -> None:
        """Keep up to `kept_bytes` of the frames as they were before.

        With `holds` nothing passes before `released`.
        """
        super().__init__(reader)
        self._held: list[bytes] | None = [] if holds else None
        self._held_bytes = 0
        self._texts = texts
        self._answer = answer
        self._error: UpstreamError | None = None
        self._kept: list[bytes] = []
        self._kept_bytes = kept_bytes

    @property
    def started(self) -> bool:
        """Something of the answer has gone on."""
        return self._texts.begun and self._reader.started

    @property
    def error(self) -> UpstreamError | None:
        """A filter's refusal, or the provider's own error."""
        return self._error or self._reader.error

    @property
    def kept(self) -> bytes:
        """The frames as they were before; nothing where it was too much."""
        return b"".join(self._kept) if self._kept_bytes > 0 else b""

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came."""
        return b"" if self._error is not None else self._passed(self._reader.feed(chunk))

    def close(self) -> bytes:
        """Take the end of the upstream body."""
        return b"" if self._error is not None else self._passed(self._reader.close())

    async def released(self, call: "Call") -> bytes:
        """Have all of the answer looked at, and return its frames as they may go out.

        Raises:
            UpstreamError: a filter withholds it. DetectorFailed: it couldn't be looked at.
        """
        if self._held is None or call.outputs is None:
            return b""
        frames, self._held = b"".join(self._held), None
        answer = answer_of(call, Texts(call.answer_filters[:1]))
        if answer is not None:
            try:
                await call.outputs.look(lambda: [answer.event(one) for one in sse.split(frames)])
            except _NOT_UNDERSTOOD as error:
                raise BadProviderResponse(_UNREAD) from error
        out = self._passed(frames)
        if self._error is not None:
            raise self._error
        return out

    def failure(self, frames: bytes) -> bytes:
        """Return the frames of a failure as they belong behind what went out."""
        answer = self._answer
        return answer.failure(frames) if isinstance(answer, ResponseAnswer) else frames

    def _passed(self, frames: bytes) -> bytes:
        if not frames:
            return b""
        if self._held is not None:
            self._hold(self._held, frames)
            return b""
        if self._kept_bytes > 0:
            self._kept.append(frames)
            self._kept_bytes -= len(frames)
        try:
            return b"".join(map(self._answer.event, sse.split(frames)))
        except UpstreamError as error:
            self._error = error
        except _NOT_UNDERSTOOD:  # what can't be read can't be checked: nothing of it goes on
            self._error = BadProviderResponse(_UNREAD)
        return b""

    def _hold(self, held: list[bytes], frames: bytes) -> None:
        self._held_bytes += len(frames)
        if self._held_bytes > HELD_BYTES_MAX:
            msg = f"an answer of more than {HELD_BYTES_MAX} bytes can't be looked at elsewhere"
            self._error = BadProviderResponse(msg)
            return
        held.append(frames)


def answer_of(call: "Call", texts: Texts) -> DialectAnswer | None:
    """Return how the texts of a call's answer are passed on; None where answers have none."""
    surface = call.surface
    answers_json = bool(call.view.needs & (JSON_OBJECT | JSON_SCHEMA)) or (
        call.outputs is not None and call.outputs.wants_json
    )
    if surface.operation is Operation.RERANK:
        return RankedAnswer(texts)
    if surface.operation is Operation.COMPLETIONS:
        return ChatAnswer(texts, call.body, answers_json=False)
    if surface.operation is not Operation.CHAT:
        return None
    if surface.dialect is Dialect.ANTHROPIC:
        return MessageAnswer(
            texts,
            call.body,
            answers_json=answers_json,
            seals_thinking=bool(call.body.get("tools")),
            masked=call.masked,
        )
    if surface.dialect is Dialect.RESPONSES:
        return ResponseAnswer(texts, call.body, answers_json=answers_json)
    return ChatAnswer(texts, call.body, answers_json=answers_json)


def _texts(call: "Call") -> Texts:
    withholds = call.outputs is not None and call.outputs.withholds
    return Texts(call.answer_filters, withholds=withholds)


def _kept_bytes(call: "Call") -> int:
    return call.captured_bytes_max if call.masked else 0
