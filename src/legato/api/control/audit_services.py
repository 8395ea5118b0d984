"""What the control API needs of the audit log; made by the app."""

from collections.abc import Awaitable
from typing import Protocol

import msgspec

from legato.audit.event import Act, Actor
from legato.audit.refusals import Refusals


class DataAccess(Protocol):
    """Writes down who reads content, before it is given."""

    def __call__(self, act: Act, actor: Actor, request_id: str) -> Awaitable[None]:
        """Raise StorageUnavailable where it can't be recorded: then nothing is given."""
        ...


class AuditServices(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Of one control process."""

    data_access: DataAccess
    refusals: Refusals
