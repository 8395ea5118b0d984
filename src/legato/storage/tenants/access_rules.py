"""Rules of access that people made while the instance runs, beside those of the configuration.

What a rule says never changes: it is removed, and another one added, so that the audit log has all
that ever held. Whoever holds keys in memory looks at the number of the keys, which each raises.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.config_access import AccessRule
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Area, Reach, reaches
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.database.versions import bump
from legato.storage.tables.roles import access_rule as table

_VERSION_NAME: Final = "keys"
_RULES_MAX: Final = 1_000


class KeptRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; `org` is whose keys it is about, "" for everybody's."""

    id: str
    org: str
    rule: AccessRule
    created_at_ns: int
    created_by: str

    @property
    def in_force(self) -> AccessRule:
        """The rule as it is bound: it means keys of its organisation only."""
        if not self.org:
            return self.rule
        who = msgspec.structs.replace(self.rule.who, orgs=[self.org])
        return msgspec.structs.replace(self.rule, who=who)


class AccessRuleStore:
    """Rules within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._ids = ids
        self._reach = reach

    def list(self) -> list[KeptRule]:
        """Return them by organisation and name."""
        wanted = select(table).where(*within(self._reach, table))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.c.org, table.c.name))
            return [_kept(row) for row in rows]

    def get(self, rule_id: str) -> KeptRule:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, rule_id)

    def add(self, rule: AccessRule, org: str, author: str) -> KeptRule:
        """Put a rule in force; every process goes by it within two seconds.

        Raises:
            NotFound: the organisation is out of reach.
            InvalidRequest: it names organisations besides, or there are too many.
            Conflict: there is one of this name.
        """
        if not (reaches(self._reach, Area(org)) if org else self._reach == EVERY_TENANT):
            raise NotFound(f"there is no organisation {org!r}", param="org")
        if org and rule.who.orgs is not None:
            msg = "who.orgs: leave it out, the rule is about keys of its organisation"
            raise InvalidRequest(msg, param="who.orgs")
        made = KeptRule(
            id=self._ids.new(), org=org, rule=rule, created_at_ns=self._now_ns(), created_by=author
        )
        row = {**msgspec.structs.asdict(made), "rule": msgspec.json.encode(rule).decode()}
        try:
            with writing(self._engine) as connection:
                there = connection.execute(select(table.c.id).where(table.c.org == org)).all()
                if len(there) >= _RULES_MAX:
                    raise InvalidRequest(f"there are {_RULES_MAX} rules already: remove some")
                connection.execute(insert(table), {**row, "name": rule.name})
                bump(connection, _VERSION_NAME)
                recorded(connection, _act("add", made))
        except IntegrityError:
            msg = f"name: there is a rule {rule.name!r} already: remove it first"
            raise Conflict(msg, param="name") from None
        return made

    def remove(self, rule_id: str) -> KeptRule:
        """Put a rule out of force. Raises NotFound."""
        with writing(self._engine) as connection:
            found = self._get(connection, rule_id)
            connection.execute(delete(table).where(table.c.id == rule_id))
            bump(connection, _VERSION_NAME)
            recorded(connection, _act("remove", found))
        return found

    def _get(self, connection: Connection, rule_id: str) -> KeptRule:
        wanted = select(table).where(table.c.id == rule_id, *within(self._reach, table))
        row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"no access rule has the id {rule_id}", param="id")
        return _kept(row)


def _kept(row: Any) -> KeptRule:
    return KeptRule(
        id=row.id,
        org=row.org,
        rule=msgspec.json.decode(row.rule, type=AccessRule),
        created_at_ns=row.created_at_ns,
        created_by=row.created_by,
    )


def _act(action: str, kept: KeptRule) -> Act:
    told = msgspec.json.encode(kept.rule).decode()
    subject = Subject("access_rule", kept.id)
    return Act(kept.org, f"access_rule.{action}", subject, details={"rule": told})
