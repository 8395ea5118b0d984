"""Message batches in Anthropic's sense: batches of `/v1/messages` whose input came in one body.

The requests are kept as a file of their own, whose lines are those of any other batch, and are run
like them; what came of each is read from the batch's output and error files.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from legato.core.errors import InvalidRequest, NotFound
from legato.core.principal import Principal
from legato.storage.runs.batches import DELETED, OPEN, BatchRecord, BatchStore
from legato.workflows.batch_lines import read_lines
from legato.workflows.batches import MESSAGES, Batches
from legato.workflows.batches import PREFIX as BATCH_PREFIX
from legato.workflows.files import StoredFiles

PREFIX: Final = "msgbatch_"
PURPOSE: Final = "message_batch"
_ENDED: Final = ("completed", "failed", "expired", "cancelled")
_OK: Final = 200
_NOT_EXECUTED: Final = {"batch_cancelled": "canceled", "batch_expired": "expired"}


class Request(NamedTuple):
    """One call of a message batch."""

    custom_id: str
    params: dict[str, Any]


class Counts(NamedTuple):
    """How the requests of a batch stand; only an ended one has any that is not `processing`."""

    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class MessageBatches:
    """Blocking: call it in a thread. Every method may raise StorageUnavailable."""

    def __init__(self, store: BatchStore, batches: Batches, files: StoredFiles) -> None:
        self._store = store
        self._batches = batches
        self._files = files

    def create(self, principal: Principal, requests: Sequence[Request]) -> BatchRecord:
        """Keep the requests and make a batch of them that acts for this key.

        Raises:
            InvalidRequest: the organisation keeps as much as it may.
        """
        content = b"\n".join(map(_line, requests))
        kept = self._files.upload(principal.org, PURPOSE, f"{PURPOSE}.jsonl", content)
        record = self._batches.create(principal, MESSAGES, kept.id, {}, purpose=PURPOSE)
        # told from the start; the run counts them again
        self._store.change(record.org, record.id, ("validating",), lines=len(requests))
        return msgspec.structs.replace(record, lines=len(requests))

    def find(self, org: str, batch_id: str) -> BatchRecord:
        """Return a batch by its id as callers know it. Raises NotFound."""
        own_id = BATCH_PREFIX + batch_id.removeprefix(PREFIX)
        if not batch_id.startswith(PREFIX):
            own_id = ""
        try:
            return self._batches.shown(org, own_id, (MESSAGES,))
        except NotFound:
            msg = f"There is no message batch {batch_id[:100]!r}."
            raise NotFound(msg, param="id") from None

    def page(self, org: str, *, after: str, before: str, limit: int) -> list[BatchRecord]:
        """Return some of an organisation's message batches, newest first."""
        after, before = _own_id(after), _own_id(before)
        return self._store.page(org, (MESSAGES,), after=after, before=before, limit=limit)

    def cancel(self, org: str, batch_id: str) -> BatchRecord:
        """Begin no further request of a batch. Raises NotFound, InvalidRequest."""
        return self._batches.cancel(org, self.find(org, batch_id).id)

    def delete(self, org: str, batch_id: str) -> None:
        """Delete a batch that has ended, with its requests and results.

        Raises:
            NotFound: there is none.
            InvalidRequest: it hasn't ended.
        """
        record = self.find(org, batch_id)
        if record.status in OPEN:
            msg = "id: a batch that hasn't ended can't be deleted: cancel it, or wait for its end"
            raise InvalidRequest(msg, param="id")
        for file_id in (record.input_file_id, record.output_file_id, record.error_file_id):
            try:
                self._files.forget(org, file_id)
            except NotFound:  # never written, or deleted by a call before that was cut off
                continue
        self._store.change(org, record.id, _ENDED, status=DELETED, sealed_errors=b"")

    def results(self, org: str, batch_id: str) -> Iterator[bytes]:
        """Return the lines of the results, some at a time.

        Raises:
            NotFound: there is no such batch, or its files were deleted.
            InvalidRequest: it hasn't ended.
        """
        record = self.find(org, batch_id)
        if record.status in OPEN:
            msg = "id: the batch hasn't ended, so there are no results yet"
            raise InvalidRequest(msg, param="id")
        if record.status == "failed":
            error = _error("invalid_request_error", _reason(self._batches.errors(record)))
            yield from self._read(
                record.org, record.input_file_id, lambda line: _result(line, "errored", error)
            )
            return
        counts = counts_of(record)
        if counts.succeeded:
            yield from self._read(record.org, record.output_file_id, _outcome)
        if counts.succeeded < record.lines:
            yield from self._read(record.org, record.error_file_id, _outcome)

    def _read(
        self, org: str, file_id: str, written: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> Iterator[bytes]:
        """Write each line of a file anew, a part of the file at a time."""
        file, held = self._files.find(org, file_id), b""
        for number in range(file.parts):
            whole, _, held = (held + self._files.part(file, number)).rpartition(b"\n")
            if number == file.parts - 1:
                whole, held = whole + b"\n" + held, b""
            lines = [written(msgspec.json.decode(text)) for _, text in read_lines(whole)]
            yield b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def counts_of(record: BatchRecord) -> Counts:
    """Return how many requests have ended in which way: all at once, when the batch does."""
    if record.status in OPEN:
        return Counts(processing=record.lines)
    if record.status == "failed":
        return Counts(errored=record.lines)
    rest = record.lines - record.completed - record.failed
    counts = Counts(succeeded=record.completed, errored=record.failed)
    if record.status == "cancelled":
        return counts._replace(canceled=rest)
    return counts._replace(expired=rest)


def _own_id(batch_id: str) -> str:
    return BATCH_PREFIX + batch_id.removeprefix(PREFIX) if batch_id else ""


def _line(request: Request) -> bytes:
    custom_id, params = request
    call = {"custom_id": custom_id, "method": "POST", "url": MESSAGES, "body": params}
    return msgspec.json.encode(call)


def _outcome(line: dict[str, Any]) -> dict[str, Any]:
    response = line["response"]
    if response is None:
        return _result(line, _NOT_EXECUTED.get(line["error"]["code"], "expired"))
    body = response["body"]
    if response["status_code"] == _OK:
        named = {"custom_id": line["custom_id"]}
        return {**named, "result": {"type": "succeeded", "message": body}}
    told = isinstance(body, dict) and body.get("type") == "error"
    return _result(line, "errored", body if told else _error("api_error", "The call failed."))


def _result(line: dict[str, Any], kind: str, error: Any = None) -> dict[str, Any]:
    result = {"type": kind} if error is None else {"type": kind, "error": error}
    return {"custom_id": line["custom_id"], "result": result}


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": None}


def _reason(errors: list[dict[str, Any]]) -> str:
    return "; ".join(str(one["message"]) for one in errors) or "The batch was refused."
