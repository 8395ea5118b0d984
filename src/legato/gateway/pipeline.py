"""The request path, in one function. Read this first.

    authenticate → read → admit → resolve → (recall) → (guard_input) → lookup_cache → route
      → call [reserve → attempt, again and again] → (guard_output) → store_cache → record

Stages are leaves; all branching is here. The pipeline is assembled once at start (see
`legato.app.bootstrap`); a stage that is off is None and costs no call.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from legato.core.errors import LegatoError
from legato.core.wire import Operation
from legato.gateway.stages.count_tokens import count_tokens
from legato.gateway.stages.read import read_json
from legato.gateway.stages.reply import error_headers, reply_headers
from legato.gateway.stages.route import order_candidates
from legato.gateway.stages.trace import accept_traceparent

if TYPE_CHECKING:
    from legato.core.principal import Principal
    from legato.gateway.context import Call, Reply, Sink
    from legato.gateway.conversations import Conversations
    from legato.gateway.directory import Directory
    from legato.gateway.stages.cached import CacheStages
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage
    from legato.governance.keyring import Keyring
    from legato.governance.limits import Limits

log = logging.getLogger(__name__)

CLIENT_CLOSED_REQUEST = 499
Guard = Callable[["Call"], Awaitable[None]]


class Pipeline(msgspec.Struct, frozen=True, eq=False):
    """The stages, wired."""

    keyring: "Keyring"
    limits: "Limits"
    directory: "Directory"
    cache: "CacheStages | None"
    call_stage: "CallStage"
    record: "RecordStage"
    random: Callable[[], float]
    pseudonym: Callable[[str, str], str]
    conversations: "Conversations"
    guard_input: Guard | None = None
    guard_output: Guard | None = None

    async def __call__(self, call: "Call", sink: "Sink") -> None:
        """Serve one request, whatever happens to it."""
        try:
            await self._serve(call, sink)
        except LegatoError as error:
            await _refuse(call, sink, error)
        except asyncio.CancelledError:
            call.http_status, call.error_code = CLIENT_CLOSED_REQUEST, "cancelled"
            raise
        except Exception:
            # a defect of ours: the caller gets no detail, the log gets all of it but the text
            log.exception("request failed", extra={"request_id": call.request_id})
            await _refuse(call, sink, LegatoError("Legato failed; the log has the details."))
        finally:
            if call.slot_taken and call.principal is not None:
                self.limits.release(call.principal)
            self.record(call)

    async def _serve(self, call: "Call", sink: "Sink") -> None:
        source, surface = call.source, call.surface
        principal = call.principal = await self.keyring.identify(source.credential)
        call.mark("authenticate")
        accept_traceparent(call, source.header(b"traceparent"))
        raw = await source.body()
        call.body_bytes = len(raw)
        call.body = read_json(raw)
        view = call.view = surface.read(call.body)
        if view.turn is not None:
            surface = call.surface = view.turn
        call.user = self._user(call, principal)
        call.mark("read")
        call.slot_taken = await self.limits.admit(principal)
        call.mark("admit")
        route = call.route = self.directory.resolve(view.model, principal)
        call.mark("resolve")
        if view.turn is not None and (view.turn.previous_id or view.turn.referenced_ids):
            await self.conversations.recall(call, principal.org, view.turn)
            call.mark("recall")
        if self.guard_input is not None:
            await self.guard_input(call)
            call.mark("guard_input")
        reply: Reply | None = None
        if self.cache is not None:
            reply = await self.cache.lookup(call)
            call.mark("lookup_cache")
        if reply is None:
            if surface.operation is Operation.COUNT_TOKENS:
                reply = await count_tokens(call)
            else:
                call.candidates = order_candidates(call, route, self.random)
                call.mark("route")
                reply = await self.call_stage(call, sink)
            call.mark("call")
            if self.guard_output is not None:
                await self.guard_output(call)
                call.mark("guard_output")
            if self.cache is not None:
                self.cache.store(call, reply)
                call.mark("store_cache")
        call.http_status = 200
        if not reply.sent:
            if view.turn is not None:
                reply = await self.conversations.kept(call, reply)
                call.mark("keep")
            await send_reply(call, sink, reply)
            call.mark("send")

    def _user(self, call: "Call", principal: "Principal") -> str:
        user = call.view.user
        if not user:
            header = call.source.header(b"x-legato-user")
            user = "" if header is None else header.decode("utf-8", "replace")
        return self.pseudonym(principal.org, user) if user else ""


async def send_reply(call: "Call", sink: "Sink", reply: "Reply") -> None:
    """Send an answer that has not gone out yet."""
    if reply.frames:
        await sink.start(reply_headers(call, stream=True, content_type=b"text/event-stream"))
        await sink.end(reply.body)
    else:
        headers = reply_headers(call, stream=False, content_type=reply.content_type)
        await sink.reply(200, headers, reply.body)


async def _refuse(call: "Call", sink: "Sink", error: LegatoError) -> None:
    call.error_code = error.code
    call.http_status = error.http_status
    if error.log_level >= logging.WARNING:
        log.log(
            error.log_level,
            "%s",
            error.code,
            extra={
                "request_id": call.request_id,
                "model": "" if call.route is None else call.view.model,
            },
        )
    if sink.began and call.view.stream:
        await sink.end(call.surface.stream_error(error, call.request_id))
    elif sink.began:  # sound, in which no word can be said
        sink.cut()
    else:
        body = call.surface.error(error, call.request_id)
        await sink.reply(error.http_status, error_headers(call, error), body)
