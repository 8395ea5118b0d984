"""One attempt: one request to one deployment, and its answer, entered in the books."""

import asyncio
from contextlib import suppress
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

from legato.core.errors import (
    AnswerUnfit,
    BadProviderResponse,
    ConnectionsExhausted,
    DetectorFailed,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.core.ids import span_id
from legato.core.measures import Measures
from legato.core.usage import UsageSource
from legato.core.wire import Answer, StreamReader, WireRequest
from legato.gateway.books import MODEL_CHARS_MAX, estimate
from legato.gateway.called_tools import ruled_body, ruled_reader
from legato.gateway.context import Reply, Waiting
from legato.gateway.guards.answers import filtering, passed, released
from legato.gateway.stages.cascade import Held, checks_of, require_fit
from legato.gateway.stages.forward import Forward
from legato.gateway.stages.reply import reply_headers
from legato.gateway.translate import (
    RenamingReader,
    TranslatingReader,
    renamed,
    translated_answer,
    translated_request,
)
from legato.providers.base import NOT_REPEATED, CacheHinted, Target
from legato.providers.transport import (
    BadResponse,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    PoolExhausted,
    Response,
    ResponseTooLarge,
    TransportError,
    in_line,
    unsent,
)
from legato.routing.strategies import moving_latency_ms

if TYPE_CHECKING:
    from legato.gateway.books import Attempt, Books
    from legato.gateway.context import Call, Headers, Sink
    from legato.gateway.conversations import Conversations
    from legato.gateway.directory import Deployment
    from legato.gateway.prompt_cache import PromptCache
    from legato.gateway.stages.cascade import Judging
    from legato.providers.base import Authorizer

_ANSWER_BYTES_MAX = 64 * 1024 * 1024
_ERROR_BYTES_MAX = 64 * 1024
_HELD_BYTES_MAX = 1024 * 1024
_OK = 200
RESERVE = "reserve"
_CREDENTIAL_S = 30.0
"""The longest wait for a credential that must be fetched."""
_END_S = 1.0
"""An upstream that says no more this long after its answer's end loses the connection."""


class Exchange:
    """Makes one attempt."""

    def __init__(
        self,
        books: "Books",
        cached_bytes_max: int,
        conversations: "Conversations | None" = None,
        prompt_cache: "PromptCache | None" = None,
    ) -> None:
        self._books = books
        self._prompt_cache = prompt_cache
        self._cached_bytes_max = cached_bytes_max
        self._conversations = conversations
        self.judge: Judging | None = None
        """Who is asked whether an answer of a cascade will do; None: nobody can be."""

    async def __call__(self, call: "Call", sink: "Sink", deployment: "Deployment") -> Reply:
        """Return the answer, or raise an UpstreamError; the attempt is ended in the books."""
        if call.attempts:
            call.mark("call")  # the attempt before this one, and the wait after it
        self._look_back(call, deployment)
        attempt = await self._books.open(call, deployment)
        call.mark(RESERVE)
        sent_ns = perf_counter_ns()
        try:
            request = self._write(call, deployment, attempt)
            if deployment.authorize is not None:
                call.silent_since_ns = sent_ns  # who lets us in belongs to the provider
                request = await _authorized(deployment.authorize, request, deployment)
        except BaseException:
            self._books.void(attempt, "not sent")
            raise
        call.silent_since_ns = sent_ns
        try:
            response = await deployment.transport.send(
                request.path, request.headers, request.body, timeouts=deployment.timeouts
            )
        except TransportError as error:
            call.upstream_ns += perf_counter_ns() - sent_ns
            raise self._ended(attempt, call, error) from error
        except asyncio.CancelledError as error:
            call.upstream_ns += perf_counter_ns() - sent_ns
            if in_line(error):
                call.silent_since_ns = 0  # nobody was asked yet
            self._left(attempt, call, error)
            raise
        except ValueError:  # the transport's word for what it refuses to send
            self._books.void(attempt, "not sent")
            raise
        except BaseException:  # a defect, and nobody knows how far it got: it may be paid for
            self._books.settle_unknown(attempt, call, "internal_error")
            raise
        first_ns = attempt.first_byte_ns = call.first_byte_ns = perf_counter_ns()
        call.upstream_ns += first_ns - sent_ns
        _measure(deployment, (first_ns - sent_ns) / 1e6, response)
        try:
            if response.status != _OK:
                raise await self._refused(attempt, call, response)
            if call.view.stream:
                upstream = Upstream(response, _reader(call, attempt))
                return await self._stream(call, sink, attempt, upstream)
            return await self._whole(call, sink, attempt, response)
        finally:
            response.close()
            if not attempt.ended:  # a defect of ours after the answer came: it was paid for
                self._books.settle_unknown(attempt, call, "internal_error")

    def _look_back(self, call: "Call", deployment: "Deployment") -> None:
        """Find out what of a call came before, and whether this attempt says so."""
        if call.route is None or not call.route.cache_hints or self._prompt_cache is None:
            return
        if call.repeated is None:
            call.repeated = self._prompt_cache.repeated(call)
        provider = deployment.provider
        marks = isinstance(provider, CacheHinted) and provider.takes_cache_hints(deployment.model)
        marked = marks and call.repeated is not NOT_REPEATED
        removed = 0 if call.measures is None else call.measures.removed_tokens
        call.measures = Measures(marked, removed) if marked or removed else None

    def _write(self, call: "Call", deployment: "Deployment", attempt: "Attempt") -> WireRequest:
        provider, surface, route = attempt.provider, call.surface, call.route
        drop = route is not None and route.drop_unsupported
        marked = call.measures is not None and call.measures.prompt_cache
        repeated = call.repeated if marked and call.repeated is not None else NOT_REPEATED
        target = Target(deployment.model, attempt.output_tokens_max, drop, repeated)
        if provider.dialect is surface.dialect:
            request = provider.request(surface.operation, call.body, call.view, target)
        else:
            request = translated_request(surface, call.body, provider, target, drop=drop)
        number = attempt.facts.attempt
        extra = f"x-legato-attempt-id: {call.request_id}-{number}\r\n"
        if call.span_parent:
            span = span_id(call.request_id, number)
            extra += f"traceparent: 00-{call.trace_id}-{span}-0{call.sampled:d}\r\n"
        return WireRequest(request.path, request.headers + extra.encode(), request.body)

    def _left(self, attempt: "Attempt", call: "Call", error: asyncio.CancelledError) -> None:
        """End an attempt whose caller left, or whose time was up, before an answer began."""
        if unsent(error):
            self._books.void(attempt, "cancelled")
        else:
            self._books.settle_unknown(attempt, call, "cancelled")

    async def _whole(
        self, call: "Call", sink: "Sink", attempt: "Attempt", response: Response
    ) -> Reply:
        del sink  # of use to those who send before the end
        try:
            with Waiting(call):
                body = await response.read(_ANSWER_BYTES_MAX)
        except TransportError as error:
            raise self._ended(attempt, call, error) from error
        except asyncio.CancelledError:
            self._books.settle_unknown(attempt, call, "cancelled")
            raise
        provider, surface = attempt.provider, call.surface
        answer: Answer | None = None
        try:
            answer = provider.answer(surface.operation, body)
            if provider.dialect is not surface.dialect:
                model = attempt.deployment.model
                body = translated_answer(surface, call.body, provider, body, model=model)
            elif answer.body is not None:
                body = answer.body
            body = ruled_body(call, body)
            as_given = body if call.masked else None
            if call.answer_filters:
                with Waiting(call):
                    body = await passed(call, body)
        except (UpstreamError, DetectorFailed) as error:
            self._settle_useless(attempt, call, answer, error.code)
            raise
        except asyncio.CancelledError:
            self._settle_useless(attempt, call, answer, "cancelled")
            raise
        if call.route is not None and call.route.cascade is not None:
            shown = body if as_given is None else as_given  # to a judge, too: never unmasked
            await self._require_fit(attempt, call, answer, shown, frames=False)
        self._settle_answered(attempt, call, answer)
        if call.route is not None and call.route.model_name == "alias" and not call.view.unit:
            body = renamed(body, call.view.model)
        return Reply(body, masked=as_given)

    async def _stream(
        self, call: "Call", sink: "Sink", attempt: "Attempt", upstream: "Upstream"
    ) -> Reply:
        reader = upstream.reader
        try:
            return await self._relay(call, sink, attempt, upstream)
        except TransportError as error:
            self._settle_partial(attempt, call, reader, "connection_lost")
            raise _upstream_error(attempt, error) from error
        except AnswerUnfit as error:
            self._settle_unfit(attempt, call, reader, error.code)
            raise
        except (UpstreamError, DetectorFailed) as error:
            if reader.finished:  # all of it came: it is the answer that can't go on
                self._settle_useless(attempt, call, reader, error.code)
            else:
                self._settle_partial(attempt, call, reader, error.code)
            raise
        except asyncio.CancelledError:
            self._settle_partial(attempt, call, reader, "cancelled")
            raise

    async def _relay(
        self, call: "Call", sink: "Sink", attempt: "Attempt", stream: "Upstream"
    ) -> Reply:
        """Forward frames as they come; hold back until content, so early failures stay unseen.

        The last frames go out when the books are closed: many a client hangs up as soon as it
        has read them, and must not be taken for one who left in mid-answer.
        """
        reader = stream.reader
        held = None
        is_step = checks_of(call, attempt.deployment) is not None
        if is_step or (call.outputs is not None and call.outputs.holds_whole):
            sink = held = Held(sink)
        kept_bytes = self._cached_bytes_max if call.cache_key is not None else 0
        kept_bytes = 0 if call.masked else max(kept_bytes, call.captured_bytes_max)
        with Waiting(call):
            frames = await _until_content(stream)
        forward = Forward(
            call, reader, sink, kept_bytes=kept_bytes, pause_at_chars=attempt.progress_chars
        )
        ended = False
        if reader.started:
            await sink.start(_stream_headers(call, attempt, stream))
            forward.frames(frames)
            while not (ended or reader.finished or reader.error is not None):
                call.silent_since_ns = 0  # now it is the caller who is waited for
                await sink.drained()
                call.silent_since_ns = perf_counter_ns()
                if reader.output_chars >= attempt.progress_chars:
                    self._books.progress(attempt, call, reader.output_chars)
                    forward.pause_at_chars = attempt.progress_chars
                with Waiting(call):
                    ended = await stream.response.pump(forward)
            frames = forward.unsent
        call.silent_since_ns = 0
        if reader.error is not None:
            raise reader.error
        if reader.finished and not ended:
            with Waiting(call):
                await _read_out(stream.response)
        frames += reader.close()
        self._require_end(attempt, reader)
        if call.answer_filters:
            with Waiting(call):
                frames += await released(call, reader)
        if held is not None:
            whole = held.all_of(frames)
            if is_step:
                await self._require_fit(attempt, call, reader, whole, frames=True)
        self._settle_answered(attempt, call, reader)
        if call.view.turn is not None and self._conversations is not None:
            frames = await self._conversations.keep(call, frames, frames=True)
        if not sink.began:
            await sink.start(_stream_headers(call, attempt, stream))
        await sink.end(frames)
        if call.filtering is not None and call.masked:  # what went out is for the caller alone
            return Reply(b"", frames=True, sent=True, masked=call.filtering.kept)
        return Reply(forward.kept(frames), frames=True, sent=True)

    @staticmethod
    def _require_end(attempt: "Attempt", reader: StreamReader) -> None:
        if reader.error is not None:
            raise reader.error
        if not reader.finished:
            msg = f"{attempt.deployment.name} ended its stream before the answer was complete"
            raise ProviderUnavailable(msg)

    def _settle_answered(
        self, attempt: "Attempt", call: "Call", answer: Answer | StreamReader
    ) -> None:
        usage, source = answer.usage, UsageSource.PROVIDER
        if usage is None:
            usage = estimate(attempt, call, answer.output_chars)
            source = UsageSource.ESTIMATED
        call.usage, call.model_served = usage, answer.model[:MODEL_CHARS_MAX]
        if call.outputs is not None:
            call.outputs.answered()
        self._books.settle(
            attempt,
            call,
            kind=call.kind,
            usage=usage,
            source=source,
            status="ok",
            http_status=_OK,
            model_served=answer.model,
        )

    async def _require_fit(
        self,
        attempt: "Attempt",
        call: "Call",
        answer: Answer | StreamReader,
        body: bytes,
        *,
        frames: bool,
    ) -> None:
        """Let a step's answer pass, or end the attempt. Raises AnswerUnfit."""
        try:
            with Waiting(call):  # for a judge, where there is one
                await require_fit(call, attempt.deployment, body, self.judge, frames=frames)
        except AnswerUnfit as error:
            self._settle_unfit(attempt, call, answer, error.code)
            raise
        except asyncio.CancelledError:
            self._settle_unfit(attempt, call, answer, "cancelled")
            raise

    def _settle_unfit(
        self, attempt: "Attempt", call: "Call", answer: Answer | StreamReader, status: str
    ) -> None:
        """End an attempt whose whole answer isn't passed on: what it used is known."""
        counted = answer.usage
        self._books.settle(
            attempt,
            call,
            kind=call.overhead,
            usage=estimate(attempt, call, answer.output_chars) if counted is None else counted,
            source=UsageSource.ESTIMATED if counted is None else UsageSource.PROVIDER,
            status=status,
            http_status=_OK,
            model_served=answer.model,
        )

    def _settle_useless(
        self,
        attempt: "Attempt",
        call: "Call",
        answer: Answer | StreamReader | None,
        status: str,
    ) -> None:
        """End an attempt with a complete answer that can't be passed on: it was paid for."""
        if answer is None or answer.usage is None:
            self._books.settle_unknown(attempt, call, status)
            return
        self._settle_unfit(attempt, call, answer, status)

    def _settle_partial(
        self, attempt: "Attempt", call: "Call", reader: StreamReader, status: str
    ) -> None:
        """End a cut stream with what it had produced."""
        usage = reader.usage or estimate(attempt, call, reader.output_chars)
        call.usage = usage
        self._books.settle(
            attempt,
            call,
            kind=call.overhead,
            usage=usage,
            source=UsageSource.PARTIAL,
            status=status,
            http_status=_OK,
            model_served=reader.model,
        )

    async def _refused(self, attempt: "Attempt", call: "Call", response: Response) -> UpstreamError:
        try:
            with Waiting(call):
                body = await response.read(_ERROR_BYTES_MAX)
        except TransportError:
            body = b""  # the status alone says enough
        except asyncio.CancelledError:
            self._books.settle_refused(attempt, call, "cancelled", response.status)
            raise
        error = attempt.provider.failure(response.status, response.headers, body)
        self._books.settle_refused(attempt, call, error.code, response.status)
        return error

    def _ended(self, attempt: "Attempt", call: "Call", error: TransportError) -> UpstreamError:
        failure = _upstream_error(attempt, error)
        if error.sent:
            self._books.settle_unknown(attempt, call, failure.code)
        else:
            self._books.void(attempt, failure.code)
        return failure


class Upstream(NamedTuple):
    """An upstream body and what reads it."""

    response: Response
    reader: StreamReader
    content_type: bytes = b"text/event-stream"


def _stream_headers(call: "Call", attempt: "Attempt", stream: Upstream) -> "Headers":
    return reply_headers(
        call, stream=True, content_type=stream.content_type, deployment=attempt.deployment
    )


async def _until_content(stream: Upstream) -> bytes:
    """Return the frames up to the first content, or all there are."""
    held: list[bytes] = []
    held_bytes = 0
    reader = stream.reader
    while not reader.started and (chunk := await stream.response.read_chunk()) is not None:
        frames = reader.feed(chunk)
        if reader.error is not None:
            raise reader.error
        held.append(frames)
        held_bytes += len(frames)
        if held_bytes > _HELD_BYTES_MAX:
            msg = f"no content within the first {_HELD_BYTES_MAX} bytes of the stream"
            raise BadProviderResponse(msg)
    return b"".join(held)


async def _read_out(response: Response) -> None:
    """Read to the end of a body whose answer is complete, which frees its connection."""
    with suppress(TimeoutError, TransportError):  # the answer is here: how it ends matters no more
        async with asyncio.timeout(_END_S):
            while await response.read_chunk() is not None:
                pass


def _reader(call: "Call", attempt: "Attempt") -> StreamReader:
    provider, surface = attempt.provider, call.surface
    reader: StreamReader
    if provider.dialect is surface.dialect:
        reader = provider.reader(call.view)
    else:
        reader = TranslatingReader(
            provider.decoder(), surface.encoder(call.view), attempt.deployment.model
        )
    if call.route is not None and call.route.model_name == "alias":
        reader = RenamingReader(reader, call.view.model)
    reader = ruled_reader(call, reader)
    return filtering(call, reader) if call.answer_filters else reader


async def _authorized(
    authorize: "Authorizer", request: WireRequest, deployment: "Deployment"
) -> WireRequest:
    """Add what lets the request in, which may have to be fetched."""
    waits = deployment.timeouts
    limit_s = _CREDENTIAL_S if waits is None else min(_CREDENTIAL_S, waits.first_byte_s)
    try:
        async with asyncio.timeout(limit_s):
            return await authorize(request)
    except TimeoutError:
        msg = f"{deployment.name}: no credential within {limit_s:g} s"
        raise ProviderTimeout(msg) from None


def _upstream_error(attempt: "Attempt", error: TransportError) -> UpstreamError:
    if isinstance(error, PoolExhausted):
        place = f"providers[{attempt.deployment.provider_name}].connections_max"
        return ConnectionsExhausted(f"{attempt.deployment.name}: {error}: raise {place}")
    kind: type[UpstreamError] = ProviderUnavailable
    if isinstance(error, (ConnectTimeout, FirstByteTimeout, IdleTimeout)):
        kind = ProviderTimeout
    elif isinstance(error, (BadResponse, ResponseTooLarge)):
        kind = BadProviderResponse
    return kind(f"{attempt.deployment.name}: {error}")


def _measure(deployment: "Deployment", latency_ms: float, response: Response) -> None:
    candidate, load = deployment.candidate, deployment.load
    candidate.latency_ms = moving_latency_ms(candidate.latency_ms, latency_ms)
    if load is None:
        return
    if response.status == _OK:
        load.answered(response.headers, latency_ms)
    else:
        load.said(response.headers)
