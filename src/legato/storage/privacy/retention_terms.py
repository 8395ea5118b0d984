"""How long kinds of rows are kept, as people set it while the instance runs.

Beside the configuration's terms: whoever reads both goes by the shorter.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, delete, select

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.config_retention import DAYS_MIN
from legato.core.errors import Forbidden, InvalidRequest, NotFound
from legato.core.tenant import EVERY_TENANT, Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.privacy.keeping import RULES
from legato.storage.tables.retention import retention_term
from legato.storage.tables.schema import organisation

KeptTerms = Mapping[tuple[str, str], int]
"""Days by organisation, "" for all of them, and kind."""
DAYS_MAX: Final = 36_500
OPERATORS: Final = frozenset({"traces"})
"""What is told for all when it goes: others' decisions from before can't be verified any more."""


class RetentionTerm(msgspec.Struct, frozen=True):
    """How many days a kind is kept, of an organisation or of all ("")."""

    org: str
    kind: str
    days: int
    changed_by: str
    changed_at_ns: int


class RetentionTermStore:
    """Within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._reach = reach

    def all(self) -> list[RetentionTerm]:
        """Return what is set, by organisation and kind."""
        table = retention_term.c
        wanted = select(retention_term).where(*within(self._reach, retention_term))
        with reading(self._engine) as connection:
            return [*map(_term, connection.execute(wanted.order_by(table.org, table.kind)))]

    def set(self, org: str, kind: str, days: int, author: str) -> RetentionTerm:
        """Keep a kind for no more than so many days, of an organisation or of all ("").

        Raises:
            InvalidRequest: there is no such kind, or the days aren't any.
            NotFound: there is no such organisation within reach.
            Forbidden: it is the operator's to say.
        """
        self._may(org, kind)
        least = DAYS_MIN.get(kind, 1)
        if not least <= days <= DAYS_MAX:
            raise InvalidRequest(f"days: from {least} to {DAYS_MAX} of {kind}", param="days")
        found = RetentionTerm(org, kind, days, author, self._now_ns())
        there = select(organisation.c.id).where(
            organisation.c.name == org, *within(self._reach, organisation)
        )
        row = msgspec.structs.asdict(found)
        with writing(self._engine) as connection:
            if org and connection.execute(there).first() is None:
                raise NotFound(f"there is no organisation {org}", param="org")
            written = upsert(connection, retention_term).values(row)
            connection.execute(
                written.on_conflict_do_update(index_elements=["org", "kind"], set_=row)
            )
            recorded(connection, _act("set", found))
        return found

    def remove(self, org: str, kind: str) -> None:
        """Keep a kind as the configuration says again. Raises NotFound, and as `set`."""
        self._may(org, kind)
        table = retention_term.c
        mine = (table.org == org, table.kind == kind, *within(self._reach, retention_term))
        with writing(self._engine) as connection:
            row = connection.execute(select(retention_term).where(*mine)).first()
            if row is None:
                raise NotFound(f"no term is set for {kind} there", param="kind")
            connection.execute(delete(retention_term).where(*mine))
            recorded(connection, _act("remove", _term(row)))

    def _may(self, org: str, kind: str) -> None:
        if kind not in RULES:
            known = ", ".join(RULES)
            raise InvalidRequest(f"kind: there is no {kind!r}; one of {known}", param="kind")
        if self._reach == EVERY_TENANT:
            return
        if not org:
            raise Forbidden("org: a term of all organisations is the operator's", param="org")
        if kind in OPERATORS:
            msg = f"kind: {kind} are sealed for all together: their term is the operator's"
            raise Forbidden(msg, param="kind")


def kept_terms(engine: Engine) -> KeptTerms:
    """Return all that is set, for whoever deletes by it. Raises StorageUnavailable."""
    with reading(engine) as connection:
        return {
            (one.org, one.kind): one.days
            for one in map(_term, connection.execute(select(retention_term)))
        }


def _act(action: str, found: RetentionTerm) -> Act:
    about = Subject("retention", found.kind)
    return Act(found.org, f"retention.{action}", about, details={"days": found.days})


def _term(row: Any) -> RetentionTerm:
    return RetentionTerm(row.org, row.kind, row.days, row.changed_by, row.changed_at_ns)
