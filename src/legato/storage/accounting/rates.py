"""Dated rates of currencies, as an organisation keeps them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, select

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict
from legato.core.tenant import Tenant
from legato.economics.exchange import DAYS_BACK, Rate, rate_text
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.ledger.closing import closed_until
from legato.storage.tables.accounting import fx_rate

_EPOCH: Final = date(1970, 1, 1)
_NS_PER_S: Final = 1_000_000_000
_table: Final = fx_rate.c


class RateStore:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._org = tenant.org

    def put(self, rates: Sequence[Rate]) -> int:
        """Keep these; return how many were new or changed.

        Raises:
            Conflict: one of them would change that of a day in a closed period.
        """
        with writing(self._engine) as connection:
            closed_ns = closed_until(connection).get(self._org, 0)
            closed_day = datetime.fromtimestamp(closed_ns // _NS_PER_S, UTC).date()
            there = self._there(connection, rates)
            changed = [one for one in rates if there.get(_identity(one)) != one.units]
            for one in changed:
                if _identity(one) in there and one.day < closed_day:
                    msg = f"rate {one.base}/{one.quote} of {one.day}: its period is closed"
                    raise Conflict(msg)
            for one in changed:
                self._put(connection, one)
            if changed:
                recorded(connection, self._act(changed))
        return len(changed)

    def between(self, first: date, last: date) -> list[Rate]:
        """Return the rates that hold for a span of days, both included."""
        wanted = select(fx_rate).where(
            _table.org == self._org,
            _table.day >= _number(first - timedelta(days=DAYS_BACK)),
            _table.day <= _number(last),
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [
            Rate(_EPOCH + timedelta(days=row.day), row.base, row.quote, row.units, row.source)
            for row in rows
        ]

    def page(self, count: int, currency: str = "") -> list[Rate]:
        """Return the newest of a currency, or of all."""
        wanted = select(fx_rate).where(_table.org == self._org)
        if currency:
            wanted = wanted.where((_table.quote == currency) | (_table.base == currency))
        order = (_table.day.desc(), _table.base, _table.quote)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(*order).limit(count)).all()
        return [
            Rate(_EPOCH + timedelta(days=row.day), row.base, row.quote, row.units, row.source)
            for row in rows
        ]

    def _there(
        self, connection: Connection, rates: Sequence[Rate]
    ) -> dict[tuple[date, str, str], int]:
        if not rates:
            return {}
        days = [_number(one.day) for one in rates]
        wanted = select(fx_rate).where(
            _table.org == self._org, _table.day >= min(days), _table.day <= max(days)
        )
        return {
            (_EPOCH + timedelta(days=row.day), row.base, row.quote): row.units
            for row in connection.execute(wanted)
        }

    def _put(self, connection: Connection, rate: Rate) -> None:
        values = {
            "units": rate.units,
            "source": rate.source,
            "set_at_ns": self._clock.now_ns(),
        }
        identity = {
            "org": self._org,
            "base": rate.base,
            "quote": rate.quote,
            "day": _number(rate.day),
        }
        kept = upsert(connection, fx_rate).values({**identity, **values})
        connection.execute(kept.on_conflict_do_update(index_elements=list(identity), set_=values))

    def _act(self, changed: Sequence[Rate]) -> Act:
        newest = max(changed)
        details: dict[str, Detail] = {
            "rates": len(changed),
            "first_day": min(changed).day.isoformat(),
            "last_day": newest.day.isoformat(),
            "last": f"{newest.base}/{newest.quote} {rate_text(newest.units)}",
            "source": newest.source,
        }
        return Act(self._org, "rates.set", Subject("rates", self._org), details=details)


def _identity(rate: Rate) -> tuple[date, str, str]:
    return rate.day, rate.base, rate.quote


def _number(day: date) -> int:
    return (day - _EPOCH).days
