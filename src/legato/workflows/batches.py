"""Batches as callers see them: made, shown, listed, cancelled, by their organisation alone."""

from collections.abc import Callable, Collection
from typing import Any, Final

import msgspec

from legato.core.clock import Clock
from legato.core.erasure import KeyDestroyed
from legato.core.errors import Erased, Forbidden, InvalidRequest, NotFound, StorageUnavailable
from legato.core.ids import is_id
from legato.core.principal import Principal
from legato.storage.runs.batches import DELETED, BatchRecord, BatchStore
from legato.workflows.files import PREFIX as FILE_PREFIX
from legato.workflows.files import Sealer, StoredFiles

PREFIX: Final = "batch_"
WINDOW_NS: Final = 24 * 3600 * 1_000_000_000
ENDPOINTS: Final = (
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/responses",
)
MESSAGES: Final = "/v1/messages"
"""Of the batches in Anthropic's shape: pages of either vendor show none of the other's."""
_CANCELLABLE: Final = ("validating", "in_progress")


class Batches:
    """Blocking: call it in a thread. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        store: BatchStore,
        files: StoredFiles,
        sealer: Sealer,
        clock: Clock,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._files = files
        self._sealer = sealer
        self._now_ns = clock.now_ns
        self._new_id = new_id

    def create(
        self,
        principal: Principal,
        endpoint: str,
        input_file_id: str,
        metadata: dict[str, str],
        *,
        purpose: str = "batch",
        batch_id: str = "",
    ) -> BatchRecord:
        """Make a batch that acts for this key, over a file of this purpose.

        It has a new id, where `next_id` wasn't asked for one before.

        Raises:
            NotFound: there is no such file.
            InvalidRequest: it was not sent for batches.
            Forbidden: a token came in the place of the key's secret.
        """
        if principal.user:  # its lines would run as the bare key, and name any user
            raise Forbidden("A batch needs a key's secret: a token names one caller, lines many.")
        org = principal.org
        if self._files.find(org, input_file_id).purpose != purpose:
            msg = f"input_file_id: this file's purpose is not {purpose}"
            raise InvalidRequest(msg, param="input_file_id")
        now_ns, batch_id = self._now_ns(), batch_id or self.next_id()
        record = BatchRecord(
            org=org,
            id=batch_id,
            key_id=principal.key_id,
            endpoint=endpoint,
            input_file_id=input_file_id,
            output_file_id=FILE_PREFIX + self._new_id(),
            error_file_id=FILE_PREFIX + self._new_id(),
            status="validating",
            created_at_ns=now_ns,
            expires_at_ns=now_ns + WINDOW_NS,
            sealed=self._sealer.seal(
                org, msgspec.json.encode(metadata), _context(batch_id, "metadata")
            ),
        )
        self._store.create(record)
        return record

    def next_id(self) -> str:
        """Return the id of a batch that isn't made yet."""
        return PREFIX + self._new_id()

    def find(self, org: str, batch_id: str) -> BatchRecord:
        """Return a batch. Raises NotFound."""
        found = None
        if batch_id.startswith(PREFIX) and is_id(batch_id.removeprefix(PREFIX)):
            found = self._store.get(org, batch_id)
        if found is None:
            raise _missing(batch_id)
        return found

    def shown(self, org: str, batch_id: str, endpoints: Collection[str] = ENDPOINTS) -> BatchRecord:
        """Return a batch of one of these endpoints. Raises NotFound for others and deleted ones."""
        record = self.find(org, batch_id)
        if record.endpoint not in endpoints or record.status == DELETED:
            raise _missing(batch_id)
        return record

    def page(self, org: str, *, after: str, limit: int) -> list[BatchRecord]:
        """Return some of an organisation's batches, newest first."""
        return self._store.page(org, ENDPOINTS, after=after, limit=limit)

    def cancel(self, org: str, batch_id: str) -> BatchRecord:
        """Begin no further line of a batch. Raises NotFound, InvalidRequest."""
        record = self.find(org, batch_id)
        times = with_time(record, "cancelling", self._now_ns())
        cancelled = self._store.change(
            org, batch_id, _CANCELLABLE, status="cancelling", times=times
        )
        record = self.find(org, batch_id)
        if not cancelled and record.status not in {"cancelling", "cancelled"}:
            msg = f"id: a batch that is {record.status} can't be cancelled"
            raise InvalidRequest(msg, param="id")
        return record

    def metadata(self, record: BatchRecord) -> Any:
        """Return what the caller noted with the batch."""
        return self._opened(record, record.sealed, "metadata")

    def errors(self, record: BatchRecord) -> list[dict[str, Any]]:
        """Return why the input could not be taken."""
        if not record.sealed_errors:
            return []
        found: list[dict[str, Any]] = self._opened(record, record.sealed_errors, "errors")
        return found

    def sealed_errors(self, record: BatchRecord, errors: list[dict[str, Any]]) -> bytes:
        """Return what is kept of errors."""
        context = _context(record.id, "errors")
        return self._sealer.seal(record.org, msgspec.json.encode(errors), context)

    def sealed_line(self, record: BatchRecord, number: int, line: bytes) -> bytes:
        """Return what is kept of a line's outcome."""
        return self._sealer.seal(record.org, line, _context(record.id, str(number)))

    def line(self, record: BatchRecord, number: int, sealed: bytes) -> bytes:
        """Return a line's outcome."""
        return self._sealer.open(record.org, sealed, _context(record.id, str(number)))

    def _opened(self, record: BatchRecord, sealed: bytes, what: str) -> Any:
        try:
            opened = self._sealer.open(record.org, sealed, _context(record.id, what))
        except KeyDestroyed:
            msg = "What was kept of this batch was erased: its key is destroyed."
            raise Erased(msg, param="id") from None
        except ValueError as error:
            msg = "What is kept of this batch can't be opened."
            raise StorageUnavailable(msg) from error
        return msgspec.json.decode(opened)


def with_time(record: BatchRecord, status: str, now_ns: int) -> str:
    """Return the batch's times with one more."""
    times = msgspec.json.decode(record.times, type=dict[str, int])
    return msgspec.json.encode(times | {status: now_ns}).decode()


def _missing(batch_id: str) -> NotFound:
    return NotFound(f"There is no batch {batch_id[:100]!r}.", param="id")


def _context(batch_id: str, what: str) -> bytes:
    return f"batch\x00{batch_id}\x00{what}".encode()
