"""OpenAI's batches: an input file of calls, a batch over it, files of what came of them.

platform.openai.com/docs/guides/batch and the types of the vendor's package openai 2 (2026-11-21).
There is no idempotency on the vendor's side, so a batch carries a mark in its metadata, and whoever
isn't sure whether it was submitted looks for that first.
"""

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

from legato.core.errors import BadProviderResponse, ProviderUnavailable, UpstreamError
from legato.core.wire import FormPart
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
from legato.providers.openai_compatible import media

MARK: Final = "legato_batch"
_PAGE: Final = 100
_PAGES_MAX: Final = 50
_PROBLEMS_MAX: Final = 100
_ENDINGS: Final = {
    "completed": BatchStatus.COMPLETED,
    "failed": BatchStatus.FAILED,
    "expired": BatchStatus.EXPIRED,
    "cancelled": BatchStatus.CANCELLED,
}
_GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)

_AS_GOOD_AS_CANCELLED: Final = (
    HTTPStatus.OK,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.CONFLICT,
)
_NOT_READY: Final = ("pending", "running")
"""Azure's word for a file that no batch can be made of yet."""

Decoded = TypeVar("Decoded")
Failure = Callable[[int, list[tuple[bytes, bytes]], bytes], UpstreamError]


class _Object(msgspec.Struct):
    id: str


class _File(_Object):
    filename: str = ""
    status: str = ""


class _Errors(msgspec.Struct):
    data: list[dict[str, Any]] | None = None


class _Batch(_Object):
    status: str
    metadata: dict[str, Any] | None = None
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: _Errors | None = None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool = False


class _Answered(msgspec.Struct):
    status_code: int
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Outcome(msgspec.Struct):
    custom_id: str
    response: _Answered | None = None


class OpenAIBatches:
    """Speaks for one provider; `form_headers` are its own without a content type.

    `secret` tells the key or token in use, which must never be told.

    `root` stands before every path, `query` (without its question mark) goes with every call.
    """

    def __init__(
        self,
        form_headers: bytes,
        failure: Failure,
        secret: Callable[[], str | None],
        *,
        root: str = "",
        query: str = "",
    ) -> None:
        self._headers = form_headers
        self._failure = failure
        self._secret = secret
        self._root = root
        self._query = query

    def place(self, asked: str, model: str) -> str:
        """Return the endpoint, which every line names; the model stands in its body."""
        del model
        return asked

    def line(self, mark: str, name: str, endpoint: str, body: bytes) -> bytes:
        """Write one line of an input."""
        del mark  # the batch carries it
        call = {"custom_id": name, "method": "POST", "url": endpoint, "body": msgspec.Raw(body)}
        return msgspec.json.encode(call)

    def find(self, send: Send, search: Search) -> str:
        """Return the id of the batch whose metadata has the mark, looking at the newest first."""
        for raw in self._pages(send, "/batches?"):
            found = _decoded(raw, _Batch)
            if (found.metadata or {}).get(MARK) == search.mark:
                return found.id
        return ""

    def submit(self, send: Send, mark: str, endpoint: str, lines: Sequence[bytes]) -> str:
        """Upload the input unless it is there, then make the batch."""
        name = _named(mark)
        file = self._uploaded(send, name) or self._upload(send, name, lines)
        if file.status in _NOT_READY:
            msg = "the provider has not taken in the batch's input yet"
            raise ProviderUnavailable(msg)
        input_file = file.id
        body = {
            "input_file_id": input_file,
            "endpoint": endpoint,
            "completion_window": "24h",
            "metadata": {MARK: mark},
        }
        try:
            reply = self._asked(send, b"POST", "/batches", body)
        except UpstreamError as error:
            if not error.retryable:  # nobody will come back for it
                send(self._call(b"DELETE", f"/files/{input_file}"))
            raise
        return _decoded(reply.body, _Batch).id

    def withdraw(self, send: Send, mark: str) -> None:
        """Delete an input that was uploaded before a crash."""
        uploaded = self._uploaded(send, _named(mark))
        if uploaded is not None:
            self.forget(send, BatchState("", BatchStatus.FAILED, input_file=uploaded.id))

    def look(self, send: Send, batch_id: str) -> BatchState:
        """Return how a batch stands."""
        found = _decoded(self._asked(send, b"GET", f"/batches/{batch_id}").body, _Batch)
        told = (found.errors.data or []) if found.errors is not None else []
        return BatchState(
            found.id,
            _ENDINGS.get(found.status, BatchStatus.RUNNING),
            tuple(one for one in (found.output_file_id, found.error_file_id) if one),
            found.input_file_id or "",
            tuple(self._problem(one) for one in told[:_PROBLEMS_MAX]),
        )

    def cancel(self, send: Send, batch_id: str) -> None:
        """Cancel; one that has ended meanwhile is refused, which is as good.

        So is a vendor that can't cancel: whether the batch is there at all `look` tells.
        """
        reply = send(self._call(b"POST", f"/batches/{batch_id}/cancel", {}))
        if reply.status not in _AS_GOOD_AS_CANCELLED:
            raise self._failure(reply.status, reply.headers, reply.body)

    def results(self, send: Send, state: BatchState) -> Iterator[BatchResult]:
        """Read the output file and the error file."""
        for file_id in state.files:
            content = self._asked(send, b"GET", f"/files/{file_id}/content").body
            for line in content.split(b"\n"):
                if line.strip():
                    yield _result(line)

    def forget(self, send: Send, state: BatchState) -> None:
        """Delete the files; those that are gone are gone."""
        for file_id in (state.input_file, *state.files):
            if not file_id:
                continue
            reply = send(self._call(b"DELETE", f"/files/{file_id}"))
            if reply.status != HTTPStatus.OK and reply.status not in _GONE:
                raise self._failure(reply.status, reply.headers, reply.body)

    def _uploaded(self, send: Send, name: str) -> _File | None:
        """Return an input that was uploaded before."""
        for raw in self._pages(send, "/files?purpose=batch&order=desc&"):
            found = _decoded(raw, _File)
            if found.filename == name:
                return found
        return None

    def _upload(self, send: Send, name: str, lines: Sequence[bytes]) -> _File:
        content = b"\n".join(lines) + b"\n"
        parts = (
            FormPart("purpose", b"batch"),
            FormPart("file", content, filename=name, content_type="application/jsonl"),
        )
        content_type, form = media.write_form(parts, "")
        headers = self._headers + b"content-type: %b\r\n" % content_type
        reply = send(BatchCall(b"POST", self._path("/files"), headers, form))
        if reply.status != HTTPStatus.OK:
            raise self._failure(reply.status, reply.headers, reply.body)
        return _decoded(reply.body, _File)

    def _pages(self, send: Send, path: str) -> Iterator[msgspec.Raw]:
        after = ""
        for _ in range(_PAGES_MAX):
            reply = self._asked(send, b"GET", f"{path}limit={_PAGE}{after}")
            page = _decoded(reply.body, _Page)
            yield from page.data
            if not page.has_more or not page.data:
                return
            after = f"&after={_decoded(page.data[-1], _Object).id}"

    def _asked(self, send: Send, method: bytes, path: str, body: Any = None) -> BatchReply:
        reply = send(self._call(method, path, body))
        if reply.status != HTTPStatus.OK:
            raise self._failure(reply.status, reply.headers, reply.body)
        return reply

    def _call(self, method: bytes, path: str, body: Any = None) -> BatchCall:
        if body is None:
            return BatchCall(method, self._path(path), self._headers)
        headers = self._headers + b"content-type: application/json\r\n"
        return BatchCall(method, self._path(path), headers, msgspec.json.encode(body))

    def _path(self, path: str) -> bytes:
        joint = "&" if "?" in path else "?"
        return (self._root + path + (joint + self._query if self._query else "")).encode()

    def _problem(self, told: dict[str, Any]) -> InputProblem:
        line, param, secret = told.get("line"), told.get("param"), self._secret()
        return InputProblem(
            scrubbed(str(told.get("code") or "invalid_input"), secret),
            scrubbed(str(told.get("message") or ""), secret),
            line if isinstance(line, int) else 0,
            None if param is None else scrubbed(str(param), secret),
        )


def _named(mark: str) -> str:
    return f"{mark}.jsonl"


def _result(line: bytes) -> BatchResult:
    """A line without a response, or under status 0, was never executed: expired or cancelled."""
    outcome = _decoded(line, _Outcome)
    if outcome.response is None or not outcome.response.status_code:
        return BatchResult(outcome.custom_id)
    return BatchResult(
        outcome.custom_id, outcome.response.status_code, bytes(outcome.response.body)
    )


def _decoded(body: bytes | msgspec.Raw, kind: type[Decoded]) -> Decoded:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError):
        msg = "the provider's answer about a batch is not of OpenAI's shape"
        raise BadProviderResponse(msg) from None
