"""Anthropic's message batches: requests sent in at once, results read when all of them have ended.

platform.claude.com/docs/en/build-with-claude/batch-processing and the types of the vendor's package
anthropic 2.11 (2026-11-21). A batch takes no metadata, and nothing here is idempotent: all that can
be recognised are the requests' own ids, and those are told only with the results. So each carries
the batch's mark, and whoever isn't sure whether a batch was submitted waits for those that could be
it to end.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec

from legato.core.errors import BadProviderResponse, UpstreamError
from legato.providers.anthropic.errors import status_of
from legato.providers.batching import (
    BatchCall,
    BatchReply,
    BatchResult,
    BatchState,
    BatchStatus,
    Search,
    Send,
)

_PAGE: Final = 1000
_PAGES_MAX: Final = 50
_ENDED: Final = "ended"
_CLOCKS_APART_NS: Final = 600 * 1_000_000_000
"""So far the provider's clock may be from ours."""
_GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)

Decoded = TypeVar("Decoded")
Failure = Callable[[int, list[tuple[bytes, bytes]], bytes], UpstreamError]


class _Counts(msgspec.Struct):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0

    def total(self) -> int:
        return self.processing + self.succeeded + self.errored + self.canceled + self.expired


class _Batch(msgspec.Struct):
    id: str
    processing_status: str
    created_at: datetime
    request_counts: _Counts


class _Page(msgspec.Struct):
    data: list[_Batch]
    has_more: bool = False


class _Result(msgspec.Struct):
    type: str
    message: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")


class _Line(msgspec.Struct):
    custom_id: str
    result: _Result


class AnthropicBatches:
    """Speaks for one provider; `path` is that of its messages, `headers` lack a content type."""

    def __init__(self, path: bytes, headers: bytes, failure: Failure) -> None:
        self._path = path.decode() + "/batches"
        self._headers = headers
        self._failure = failure

    def place(self, asked: str, model: str) -> str:
        """Return the endpoint; there is one."""
        del model
        return asked

    def line(self, mark: str, name: str, endpoint: str, body: bytes) -> bytes:
        """Write one request."""
        del endpoint  # there is one
        return msgspec.json.encode({"custom_id": f"{mark}-{name}", "params": msgspec.Raw(body)})

    def find(self, send: Send, search: Search) -> str | None:
        """Return the batch whose requests carry the mark; None while one that may be it runs."""
        undecided = False
        for found in self._listed(send, search):
            if found.request_counts.total() != search.lines or found.id in search.strangers:
                continue
            if found.processing_status != _ENDED:
                undecided = True
            elif self._carries(send, found.id, search.mark):
                return found.id
            else:
                search.strangers.add(found.id)
        return None if undecided else ""

    def submit(self, send: Send, mark: str, endpoint: str, lines: Sequence[bytes]) -> str:
        """Make the batch: its requests carry the mark already."""
        del mark, endpoint
        headers = self._headers + b"content-type: application/json\r\n"
        body = b'{"requests":[' + b",".join(lines) + b"]}"
        call = BatchCall(b"POST", self._path.encode(), headers, body)
        return _decoded(self._answered(send, call).body, _Batch).id

    def withdraw(self, send: Send, mark: str) -> None:
        """Do nothing: a batch is sent in and made at once."""

    def look(self, send: Send, batch_id: str) -> BatchState:
        """Return how a batch stands."""
        found = _decoded(self._asked(send, b"GET", f"/{batch_id}").body, _Batch)
        return BatchState(found.id, _status(found))

    def cancel(self, send: Send, batch_id: str) -> None:
        """Cancel; a batch that has ended meanwhile is refused with 400 or 409, which is as good."""
        reply = send(self._call(b"POST", f"/{batch_id}/cancel"))
        if reply.status not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT}:
            raise self._failure(reply.status, reply.headers, reply.body)

    def results(self, send: Send, state: BatchState) -> Iterator[BatchResult]:
        """Read the results."""
        for line in self._lines(send, state.id):
            yield _result(line)

    def forget(self, send: Send, state: BatchState) -> None:
        """Delete the batch with its results; one that is gone is gone."""
        reply = send(self._call(b"DELETE", f"/{state.id}"))
        if reply.status != HTTPStatus.OK and reply.status not in _GONE:
            raise self._failure(reply.status, reply.headers, reply.body)

    def _listed(self, send: Send, search: Search) -> Iterator[_Batch]:
        """Return what was created when the batch may have been; the newest come first."""
        earliest_ns = search.since_ns - _CLOCKS_APART_NS
        latest_ns = search.until_ns + _CLOCKS_APART_NS
        after = ""
        for _ in range(_PAGES_MAX):
            page = _decoded(self._asked(send, b"GET", f"?limit={_PAGE}{after}").body, _Page)
            for found in page.data:
                created_ns = int(found.created_at.timestamp() * 1e9)
                if created_ns < earliest_ns:
                    return
                if created_ns <= latest_ns:
                    yield found
            if not page.has_more or not page.data:
                return
            after = f"&after_id={page.data[-1].id}"
        msg = "the provider lists too many batches to tell whether one of them is ours"
        raise BadProviderResponse(msg)

    def _carries(self, send: Send, batch_id: str, mark: str) -> bool:
        first = next(self._lines(send, batch_id), None)
        return first is not None and first.custom_id.startswith(f"{mark}-")

    def _lines(self, send: Send, batch_id: str) -> Iterator[_Line]:
        # `results_url` names the same place; an address out of an answer gets no key of ours
        content = self._asked(send, b"GET", f"/{batch_id}/results").body
        for line in content.split(b"\n"):
            if line.strip():
                yield _decoded(line, _Line)

    def _asked(self, send: Send, method: bytes, path: str) -> BatchReply:
        return self._answered(send, self._call(method, path))

    def _answered(self, send: Send, call: BatchCall) -> BatchReply:
        reply = send(call)
        if reply.status != HTTPStatus.OK:
            raise self._failure(reply.status, reply.headers, reply.body)
        return reply

    def _call(self, method: bytes, path: str) -> BatchCall:
        return BatchCall(method, (self._path + path).encode(), self._headers)


def _status(found: _Batch) -> BatchStatus:
    if found.processing_status != _ENDED:
        return BatchStatus.RUNNING
    if found.request_counts.canceled:
        return BatchStatus.CANCELLED
    return BatchStatus.EXPIRED if found.request_counts.expired else BatchStatus.COMPLETED


def _result(line: _Line) -> BatchResult:
    """Return what came of a request; one that was cancelled or expired was never executed."""
    name = line.custom_id.rpartition("-")[2]
    if line.result.type == "succeeded":
        return BatchResult(name, HTTPStatus.OK, bytes(line.result.message))
    if line.result.type == "errored":
        error = bytes(line.result.error)
        return BatchResult(name, status_of(error), error)
    return BatchResult(name)


def _decoded(body: bytes | msgspec.Raw, kind: type[Decoded]) -> Decoded:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError):
        msg = "the provider's answer about a batch is not of Anthropic's shape"
        raise BadProviderResponse(msg) from None
