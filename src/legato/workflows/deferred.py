"""Ordinary calls that may wait, as lines of batches: durable, sealed, cheaper.

Calls that are taken in together share one batch. Of each there is a small file that is named after
what is asked and who asks, and names the batch: so the very same call is found again for as long as
nobody was given its answer. These files are written before the batch is made: one that names none
tells of a process that died in between, and nothing was begun.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from legato.core.errors import NotFound
from legato.core.principal import Principal
from legato.gateway.gathering import Ticket
from legato.gateway.stages.defer import APART, TAKEN, Outcome
from legato.storage.runs.batches import OPEN, BatchRecord, BatchStore
from legato.workflows.batch_calls import AGAIN_AT
from legato.workflows.batch_lines import read_lines
from legato.workflows.batches import Batches
from legato.workflows.files import PREFIX, StoredFiles

_NAME: Final = "deferred.jsonl"
_PURPOSE: Final = "deferred"
"""Of the files that name a call's batch."""
_METADATA: Final = {"deferred": "true"}
_HEX: Final = 32
_FAILED: Final = 502
_encode = msgspec.json.Encoder(order="sorted").encode


class DeferredCalls:
    """A `Queue`. Blocking: call it in a thread. Every method may raise StorageUnavailable."""

    def __init__(self, store: BatchStore, batches: Batches, files: StoredFiles) -> None:
        self._store = store
        self._batches = batches
        self._files = files

    def begin(
        self, caller: Principal, endpoint: str, bodies: Sequence[dict[str, Any]]
    ) -> list[Ticket]:
        """Take calls in, or find the very same ones; return each one's place.

        Raises:
            InvalidRequest: the organisation's files hold as much as they may.
        """
        marks = [_mark(caller, endpoint, body) for body in bodies]
        asked = dict(zip(marks, bodies, strict=True))
        known = {mark: found for mark in asked if (found := self._known(caller.org, mark))}
        new = {mark: body for mark, body in asked.items() if mark not in known}
        if new:
            batch_id = self._make(caller, endpoint, new)
            known |= {mark: Ticket(batch_id, mark) for mark in new}
        return [known[mark] for mark in marks]

    def find(self, caller: Principal, endpoint: str, body: dict[str, Any]) -> Ticket | None:
        """Return the place of the very same call, where it waits or nobody has its answer."""
        return self._known(caller.org, _mark(caller, endpoint, body))

    def outcome(self, org: str, ticket: Ticket) -> Outcome | None:
        """Return what came of a call; None while it waits."""
        record = self._batches.find(org, ticket.batch_id)
        if record.status in OPEN:
            return None
        found = self._read(record, ticket.mark)
        if found is None and record.status == "completed":
            return TAKEN
        if found is None and record.status == "failed" and record.lines > 1:
            return APART
        return found or Outcome(_FAILED, {"error": {"message": self._reason(record)}})

    def handed_over(self, org: str, ticket: Ticket) -> None:
        """Forget a call; with the last one of its batch, what was asked and answered there.

        The batch stays, with its counts.
        """
        record = self._batches.find(org, ticket.batch_id)
        if self._batch_of(org, ticket.mark) == record.id:
            self._forget(org, PREFIX + ticket.mark)
        if any(self._batch_of(org, mark) == record.id for mark in self._marks(record)):
            return
        for file_id in (record.input_file_id, record.output_file_id, record.error_file_id):
            self._forget(org, file_id)

    def _known(self, org: str, mark: str) -> Ticket | None:
        batch_id = self._batch_of(org, mark)
        record = self._store.get(org, batch_id) if batch_id else None
        if record is None:
            return None
        waits = record.status in OPEN
        return Ticket(record.id, mark) if waits or self._read(record, mark) is not None else None

    def _make(self, caller: Principal, endpoint: str, bodies: dict[str, dict[str, Any]]) -> str:
        lines = [
            _encode({"custom_id": mark, "method": "POST", "url": endpoint, "body": body}) + b"\n"
            for mark, body in bodies.items()
        ]
        batch_id = self._batches.next_id()
        self._files.require_room(caller.org, sum(map(len, lines)))
        for mark in bodies:
            pointer = [batch_id.encode()]
            self._files.write(caller.org, PREFIX + mark, pointer, purpose=_PURPOSE, name=_NAME)
        made = self._files.upload(caller.org, "batch", _NAME, b"".join(lines))
        self._batches.create(caller, endpoint, made.id, _METADATA, batch_id=batch_id)
        return batch_id

    def _batch_of(self, org: str, mark: str) -> str:
        """Return the batch that a call is in, "" where it is in none."""
        return (self._content(org, PREFIX + mark) or b"").decode()

    def _marks(self, record: BatchRecord) -> list[str]:
        content = self._content(record.org, record.input_file_id) or b""
        return [msgspec.json.decode(line)["custom_id"] for _, line in read_lines(content)]

    def _read(self, record: BatchRecord, mark: str) -> Outcome | None:
        for file_id in (record.output_file_id, record.error_file_id):
            for _, line in read_lines(self._content(record.org, file_id) or b""):
                told = msgspec.json.decode(line)
                if told["custom_id"] == mark:
                    answer = told["response"]
                    if answer is None:
                        return None
                    again_at_ns = answer.get(AGAIN_AT)
                    return Outcome(answer["status_code"], answer["body"], again_at_ns)
        return None

    def _content(self, org: str, file_id: str) -> bytes | None:
        try:
            file = self._files.find(org, file_id)
            return b"".join(self._files.part(file, number) for number in range(file.parts))
        except NotFound:
            return None

    def _forget(self, org: str, file_id: str) -> None:
        try:
            self._files.forget(org, file_id)
        except NotFound:
            return

    def _reason(self, record: BatchRecord) -> str:
        errors = self._batches.errors(record)
        return str(errors[0]["message"]) if errors else f"its batch is {record.status}"


def _mark(caller: Principal, endpoint: str, body: dict[str, Any]) -> str:
    whose = f"{caller.org}\x00{caller.key_id}\x00{endpoint}\x00".encode()
    return sha256(whose + _encode(body)).hexdigest()[:_HEX]
