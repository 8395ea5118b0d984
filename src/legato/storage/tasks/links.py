"""Links by which one person decides one task, once. Their tokens are kept nowhere."""

from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import NotFound
from legato.core.tenant import Reach, Tenant, covers_reach
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.human_tasks import human_task_link

_LINK: Final = human_task_link.c
_GONE: Final = "This link was used, is too old or unknown."


class TaskLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link; `person` is the id of the account that it was sent to."""

    org: str
    digest: bytes
    task_id: str
    person: str
    expires_at_ns: int


_FIELDS: Final = [_LINK[name] for name in TaskLink.__struct_fields__]


class TaskLinks:
    """The links within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._reach = reach

    def add(self, link: TaskLink) -> None:
        """Keep one: it works from now on. Raises NotFound where its task is out of reach."""
        if not covers_reach(self._reach, Tenant(link.org)):
            raise NotFound("there is no such task", param="id")
        with writing(self._engine) as connection:
            row = msgspec.structs.asdict(link) | {"used_at_ns": None}
            connection.execute(insert(human_task_link), row)
            self._record(connection, "task.link", link, {"to": f"account:{link.person}"})

    def find(self, digest: bytes) -> TaskLink:
        """Return one that works. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._find(connection, digest)

    def shown(self, digest: bytes) -> None:
        """Record that what it leads to was shown. Raises NotFound."""
        with writing(self._engine) as connection:
            self._record(connection, "task.read", self._find(connection, digest), {"via": "link"})

    def use(self, connection: Connection, digest: bytes) -> None:
        """Use it up, with all others of this person to this task, within a transaction.

        Raises NotFound where it was used meanwhile.
        """
        link = self._find(connection, digest)
        theirs = (_LINK.org == link.org, _LINK.task_id == link.task_id, _LINK.person == link.person)
        used = update(human_task_link).where(*theirs, _LINK.used_at_ns.is_(None))
        now = used.values(used_at_ns=self._now_ns()).returning(_LINK.digest)
        if digest not in {bytes(one) for one in connection.execute(now).scalars()}:
            raise NotFound(_GONE, param="token")

    def _find(self, connection: Connection, digest: bytes) -> TaskLink:
        works = (_LINK.used_at_ns.is_(None), _LINK.expires_at_ns > self._now_ns())
        mine = (*within(self._reach, human_task_link), _LINK.digest == digest)
        found = connection.execute(select(*_FIELDS).where(*mine, *works)).mappings().first()
        if found is None:
            raise NotFound(_GONE, param="token")
        return TaskLink(**found)

    def _record(
        self, connection: Connection, action: str, link: TaskLink, told: dict[str, Detail]
    ) -> None:
        act = Act(link.org, action, Subject("task", link.task_id), details=told)
        recorded(connection, act)
