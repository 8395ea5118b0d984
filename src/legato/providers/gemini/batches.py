"""Gemini's batch mode: requests sent in at once, answers read from the batch itself.

ai.google.dev/gemini-api/docs/batch-api, ai.google.dev/api/batch-api and the client of the vendor's
package google-genai 3.4 (2026-11-21): requests go inline, each with its name in `metadata`, which
comes back with the response; the list shows every batch's display name, so that is our mark.
Nothing there is idempotent. Input files, of up to 2 GB, are not used.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

from legato.core.errors import BadProviderResponse, ProviderRejected, UpstreamError
from legato.providers.batching import (
    BatchCall,
    BatchReply,
    BatchResult,
    BatchState,
    BatchStatus,
    InputProblem,
    Search,
    Send,
)
from legato.providers.failure import scrubbed
from legato.providers.gemini.service import Service

_INLINE_BYTES_MAX: Final = 20_000_000
_PAGE: Final = 100
_PAGES_MAX: Final = 50
_ID: Final = re.compile(r"batches/[A-Za-z0-9_-]{1,200}")
_GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_AS_GOOD_AS_CANCELLED: Final = (
    HTTPStatus.OK,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
)
_ENDINGS: Final = {
    "SUCCEEDED": BatchStatus.COMPLETED,
    "FAILED": BatchStatus.FAILED,
    "CANCELLED": BatchStatus.CANCELLED,
    "EXPIRED": BatchStatus.EXPIRED,
}
_STATUS_BY_CODE: Final = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400,
    12: 501, 13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip
"""What a call would have been answered with (google.rpc.Code); batches tell codes alone."""

_HTTP_FROM: Final = 400

Decoded = TypeVar("Decoded")
Failure = Callable[[int, list[tuple[bytes, bytes]], bytes], UpstreamError]


class _Stats(msgspec.Struct, rename="camel"):
    successful_request_count: int = 0


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Result(msgspec.Struct):
    metadata: dict[str, Any] = {}
    response: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


class _Results(msgspec.Struct, rename="camel"):
    inlined_responses: list[_Result] = []


class _Output(msgspec.Struct, rename="camel"):
    inlined_responses: _Results | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    display_name: str = ""
    state: str = ""
    batch_stats: _Stats = msgspec.field(default_factory=_Stats)
    output: _Output | None = None


class _Operation(msgspec.Struct):
    name: str
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    error: _Error | None = None
    response: _Output | None = None

    def results(self) -> list[_Result]:
        for told in (self.metadata.output, self.response):
            if told is not None and told.inlined_responses is not None:
                return told.inlined_responses.inlined_responses
        return []


class _Page(msgspec.Struct, rename="camel"):
    operations: list[_Operation] = []
    next_page_token: str = ""


class GeminiBatches:
    """Speaks for one provider; `headers` are its own, `secret` is never told."""

    def __init__(
        self, service: Service, headers: bytes, failure: Failure, secret: str | None
    ) -> None:
        self._service = service
        self._root = f"/{service.version}"
        self._headers = headers
        self._failure = failure
        self._secret = secret

    def place(self, asked: str, model: str) -> str:
        """Return the path of the model's batches. Raises InvalidRequest."""
        del asked  # chats alone come here
        return self._service.path(model, "batchGenerateContent").decode()

    def line(self, mark: str, name: str, endpoint: str, body: bytes) -> bytes:
        """Write one request."""
        del mark, endpoint  # the batch carries both
        return msgspec.json.encode({"request": msgspec.Raw(body), "metadata": {"key": name}})

    def find(self, send: Send, search: Search) -> str:
        """Return the batch whose display name is the mark."""
        token = ""
        for _ in range(_PAGES_MAX):
            after = f"&pageToken={token}" if token else ""
            reply = self._asked(send, b"GET", f"/batches?pageSize={_PAGE}{after}")
            page = _decoded(reply.body, _Page)
            for found in page.operations:
                if found.metadata.display_name == search.mark:
                    return _named(found)
            token = page.next_page_token
            if not token:
                return ""
        msg = "the provider lists too many batches to tell whether one of them is ours"
        raise BadProviderResponse(msg)

    def submit(self, send: Send, mark: str, endpoint: str, lines: Sequence[bytes]) -> str:
        """Make the batch."""
        body = b'{"batch":{"displayName":%b,"inputConfig":{"requests":{"requests":[%b]}}}}' % (
            msgspec.json.encode(mark),
            b",".join(lines),
        )
        if len(body) > _INLINE_BYTES_MAX:
            msg = (
                f"Gemini takes batches of at most {_INLINE_BYTES_MAX} bytes with their requests "
                f"inline, and this one has {len(body)}: send it in parts"
            )
            raise ProviderRejected(msg)
        reply = send(BatchCall(b"POST", endpoint.encode(), self._headers, body))
        if reply.status != HTTPStatus.OK:
            raise self._failure(reply.status, reply.headers, reply.body)
        return _named(_decoded(reply.body, _Operation))

    def withdraw(self, send: Send, mark: str) -> None:
        """Do nothing: a batch is sent in and made at once."""

    def look(self, send: Send, batch_id: str) -> BatchState:
        """Return how a batch stands.

        One that didn't succeed counts as completed where more requests were executed than have
        their answers here: they may be charged, and nobody says which they were.
        """
        found = self._found(send, batch_id)
        state = found.metadata.state.rpartition("STATE_")[2]
        status = _ENDINGS.get(state, BatchStatus.RUNNING)
        if status is not BatchStatus.RUNNING:
            executed = found.metadata.batch_stats.successful_request_count
            if executed > sum(bool(one.response) for one in found.results()):
                status = BatchStatus.COMPLETED
        problems: tuple[InputProblem, ...] = ()
        if found.error is not None:
            problems = (self._problem(found.error),)
        return BatchState(batch_id, status, problems=problems)

    def cancel(self, send: Send, batch_id: str) -> None:
        """Cancel; one that has ended meanwhile is refused, which is as good."""
        reply = send(self._call(b"POST", f"/{batch_id}:cancel", b"{}"))
        if reply.status not in _AS_GOOD_AS_CANCELLED:
            raise self._failure(reply.status, reply.headers, reply.body)

    def results(self, send: Send, state: BatchState) -> Iterator[BatchResult]:
        """Read what came of each request."""
        for one in self._found(send, state.id).results():
            name = str(one.metadata.get("key", ""))
            if one.response:
                yield BatchResult(name, HTTPStatus.OK, bytes(one.response))
            elif one.error:
                code = _decoded(one.error, _Error).code
                status = _STATUS_BY_CODE.get(code, code if code >= _HTTP_FROM else 500)
                yield BatchResult(name, status, b'{"error":%b}' % bytes(one.error))
            else:
                yield BatchResult(name)

    def forget(self, send: Send, state: BatchState) -> None:
        """Delete the batch with its requests and answers; one that is gone is gone."""
        reply = send(self._call(b"DELETE", f"/{state.id}"))
        if reply.status != HTTPStatus.OK and reply.status not in _GONE:
            raise self._failure(reply.status, reply.headers, reply.body)

    def _found(self, send: Send, batch_id: str) -> _Operation:
        return _decoded(self._asked(send, b"GET", f"/{batch_id}").body, _Operation)

    def _asked(self, send: Send, method: bytes, path: str) -> BatchReply:
        reply = send(self._call(method, path))
        if reply.status != HTTPStatus.OK:
            raise self._failure(reply.status, reply.headers, reply.body)
        return reply

    def _call(self, method: bytes, path: str, body: bytes = b"") -> BatchCall:
        return BatchCall(method, (self._root + path).encode(), self._headers, body)

    def _problem(self, error: _Error) -> InputProblem:
        status = _STATUS_BY_CODE.get(error.code, error.code)
        code = "invalid_request" if status == HTTPStatus.BAD_REQUEST else "provider_failed"
        return InputProblem(code, scrubbed(error.message, self._secret))


def _named(found: _Operation) -> str:
    """Return a batch's name, which becomes part of paths."""
    if not _ID.fullmatch(found.name):
        raise BadProviderResponse("the provider's batch has a name that is none of a batch")
    return found.name


def _decoded(body: bytes | msgspec.Raw, kind: type[Decoded]) -> Decoded:
    try:
        # 64-bit integers, such as counts, are strings in Google's JSON
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, RecursionError):
        msg = "the provider's answer about a batch is not of Gemini's shape"
        raise BadProviderResponse(msg) from None
