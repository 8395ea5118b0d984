"""What entries cost by what they are like, and the rules that charge them."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import reduce
from operator import add
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Engine, func, insert, select

from legato.audit.acting import acting
from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.tenant import Tenant
from legato.core.usage import TOKEN_CLASSES
from legato.economics.chargeback import PLAIN_FIELDS, CostRules, check_rules
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.ledger.closing import closed_until
from legato.storage.tables.accounting import cost_rules
from legato.storage.tables.schema import ledger_entry

_EPOCH: Final = date(1970, 1, 1)
_NS_PER_DAY: Final = 86_400_000_000_000
_entry: Final = ledger_entry.c
_rules: Final = cost_rules.c
_tokens: Final = reduce(add, [_entry[name] for name in TOKEN_CLASSES])
_decode: Final = msgspec.json.Decoder(dict[str, str]).decode


class CostGroup(NamedTuple):
    """Entries of one UTC day that are alike; `cost` is nano-USD."""

    day: date
    fields: dict[str, str]
    tags: dict[str, str]
    cost: int
    requests: int
    tokens: int


class RulesVersion(msgspec.Struct, frozen=True):
    """Rules as they are kept."""

    version: int
    rules: CostRules
    made_by: str
    made_at_ns: int


class CostStore:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._org = tenant.org

    def groups(self, start_ns: int, end_ns: int) -> Iterator[CostGroup]:
        """Yield what an organisation's entries of a time cost."""
        names = [_entry[name] for name in PLAIN_FIELDS]
        day = _entry.at_ns // _NS_PER_DAY
        wanted = (
            select(
                day.label("day"),
                *names,
                _entry.tags,
                func.sum(func.coalesce(_entry.cost, 0)).label("cost"),
                func.count(_entry.request_id.distinct()).label("requests"),
                func.sum(_tokens).label("tokens"),
            )
            .where(_entry.org == self._org, _entry.at_ns >= start_ns, _entry.at_ns < end_ns)
            .group_by(day, *names, _entry.tags)
            .order_by(day, *names, _entry.tags)
        )  # fmt: skip
        with reading(self._engine) as connection:
            for row in connection.execute(wanted):
                fields = dict(zip(PLAIN_FIELDS, row[1:], strict=False))
                yield CostGroup(
                    _EPOCH + timedelta(days=int(row.day)), fields, _decode(row.tags),
                    int(row.cost), int(row.requests), int(row.tokens),
                )  # fmt: skip

    def set_rules(self, rules: CostRules) -> RulesVersion:
        """Keep a new version.

        Raises:
            InvalidRequest: naming the field.
            Conflict: it would hold for a closed period.
        """
        check_rules(rules)
        actor = acting().actor
        with writing(self._engine) as connection:
            lock(connection, [f"cost rules of {self._org}"])
            closed_ns = closed_until(connection).get(self._org, 0)
            if rules.valid_from < _EPOCH + timedelta(days=closed_ns // _NS_PER_DAY):
                raise Conflict("valid_from: a period from then on is closed")
            newest = select(func.coalesce(func.max(_rules.version), 0))
            held = newest.where(_rules.org == self._org)
            version = int(connection.execute(held).scalar_one()) + 1
            made = RulesVersion(version, rules, f"{actor.kind}:{actor.id}", self._clock.now_ns())
            document = msgspec.json.encode(rules)
            row = {
                "org": self._org,
                "version": version,
                "valid_from": (rules.valid_from - _EPOCH).days,
                "document": document.decode(),
                "made_by": made.made_by,
                "made_at_ns": made.made_at_ns,
            }
            connection.execute(insert(cost_rules), row)
            subject = Subject("cost_rules", f"{self._org}/{version}")
            recorded(connection, Act(self._org, "cost_rules.set", subject, details={
                "valid_from": rules.valid_from.isoformat(),
                "rules": len(rules.rules),
                "pools": len(rules.pools),
            }))  # fmt: skip
        return made

    def rules(self, day: date | None = None) -> RulesVersion:
        """Return the version that holds on a day, or the newest. Raises NotFound."""
        wanted = select(cost_rules).where(_rules.org == self._org)
        if day is not None:
            wanted = wanted.where(_rules.valid_from <= (day - _EPOCH).days)
            wanted = wanted.order_by(_rules.valid_from.desc(), _rules.version.desc())
        else:
            wanted = wanted.order_by(_rules.version.desc())
        with reading(self._engine) as connection:
            row = connection.execute(wanted.limit(1)).first()
        if row is None:
            told = "" if day is None else f" for {day}"
            msg = f"there are no cost rules{told}: set some with `legato chargeback set FILE`"
            raise NotFound(msg)
        rules = msgspec.json.decode(row.document, type=CostRules)
        return RulesVersion(row.version, rules, row.made_by, row.made_at_ns)
