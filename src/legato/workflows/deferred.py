"""Ordinary calls that may wait, each as a batch of one line: durable, sealed, cheaper."""

from hashlib import sha256
from typing import Any, Final

import msgspec

from legato.core.errors import NotFound
from legato.core.principal import Principal
from legato.gateway.stages.defer import TAKEN, Outcome
from legato.storage.runs.batches import OPEN, BatchRecord, BatchStore
from legato.workflows.batches import Batches
from legato.workflows.files import PREFIX, StoredFiles

_NAME: Final = "deferred.jsonl"
_CUSTOM_ID: Final = "deferred"
_HEX: Final = 32
_FAILED: Final = 502
_encode = msgspec.json.Encoder(order="sorted").encode


class DeferredCalls:
    """A `Queue`. Blocking: call it in a thread. Every method may raise StorageUnavailable.

    The input's file is named after what it holds and who asks, so the very same call is found
    again for as long as nobody was given its answer.
    """

    def __init__(self, store: BatchStore, batches: Batches, files: StoredFiles) -> None:
        self._store = store
        self._batches = batches
        self._files = files

    def begin(self, caller: Principal, endpoint: str, body: dict[str, Any]) -> str:
        """Take a call in, or find the very same one; return the id of its batch.

        Raises:
            InvalidRequest: the organisation's files hold as much as they may.
        """
        line = _encode({"custom_id": _CUSTOM_ID, "method": "POST", "url": endpoint, "body": body})
        whose = f"{caller.org}\x00{caller.key_id}\x00".encode()
        file_id = PREFIX + sha256(whose + line).hexdigest()[:_HEX]
        found = self._store.newest_over(caller.org, file_id)
        if found is not None and (found.status in OPEN or self._read(found) is not None):
            return found.id
        self._files.require_room(caller.org, len(line))
        self._files.write(caller.org, file_id, [line], purpose="batch", name=_NAME)
        made = self._batches.create(caller, endpoint, file_id, {_CUSTOM_ID: "true"})
        return made.id

    def outcome(self, org: str, batch_id: str) -> Outcome | None:
        """Return what came of it; None while it waits."""
        record = self._batches.find(org, batch_id)
        if record.status in OPEN:
            return None
        found = self._read(record)
        if found is None and record.status == "completed":
            return TAKEN
        return found or Outcome(_FAILED, {"error": {"message": self._reason(record)}})

    def handed_over(self, org: str, batch_id: str) -> None:
        """Forget what was asked and answered; the batch stays, with its counts."""
        record = self._batches.find(org, batch_id)
        for file_id in (record.input_file_id, record.output_file_id, record.error_file_id):
            try:
                self._files.forget(org, file_id)
            except NotFound:
                continue

    def _read(self, record: BatchRecord) -> Outcome | None:
        file_id = record.output_file_id if record.completed else record.error_file_id
        try:
            file = self._files.find(record.org, file_id)
            content = b"".join(self._files.part(file, number) for number in range(file.parts))
        except NotFound:
            return None
        answered = msgspec.json.decode(content)["response"]
        return None if answered is None else Outcome(answered["status_code"], answered["body"])

    def _reason(self, record: BatchRecord) -> str:
        errors = self._batches.errors(record)
        return str(errors[0]["message"]) if errors else f"its batch is {record.status}"
