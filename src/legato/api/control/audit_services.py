"""What the control API needs of the audit log; made by the app."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import msgspec

from legato.audit.event import Act, Actor
from legato.audit.note import VerifyingKey
from legato.audit.refusals import Refusals
from legato.core.tenant import WholeReach
from legato.storage.audit.log import AuditLog
from legato.storage.audit.tiles import LogTiles


class DataAccess(Protocol):
    """Writes down who reads content, before it is given."""

    def __call__(self, act: Act, actor: Actor, request_id: str) -> Awaitable[None]:
        """Raise StorageUnavailable where it can't be recorded: then nothing is given."""
        ...


class AuditDesk(Protocol):
    """The log as far as a reach goes, with the key that signs for it; blocking.

    Methods raise NotFound for a size or an event there isn't, ValueError where the log is damaged.
    """

    log: AuditLog

    @property
    def key(self) -> VerifyingKey:
        """What its checkpoints are verified by."""
        ...

    def checkpoint(self, size: int | None = None) -> str:
        """Return a signed checkpoint."""
        ...

    def prove(self, index: int, size: int | None = None) -> msgspec.Struct:
        """Return an event with its proof."""
        ...

    def lines(self) -> Iterator[bytes]:
        """Yield all of it as lines: what is signed, then each event with its proof."""
        ...


class AuditServices(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Of one control process."""

    data_access: DataAccess
    refusals: Refusals
    desk: Callable[[WholeReach], AuditDesk]
    tiles: LogTiles
