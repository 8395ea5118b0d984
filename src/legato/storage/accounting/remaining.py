"""What remains to be settled of a time before its books can be closed."""

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from legato.core.records import Intent, decode_record
from legato.core.usage import UsageSource
from legato.storage.tables.schema import journal_alarm, ledger_entry, open_intent

_entry: Final = ledger_entry.c
_ESTIMATED: Final = [
    source.value for source in (UsageSource.ESTIMATED, UsageSource.PARTIAL, UsageSource.UNKNOWN)
]


class Remaining(msgspec.Struct, frozen=True):
    """A kind of what remains: how many, and the first of them."""

    kind: str
    """open_attempts, provisional, unpriced or alarms."""
    count: int
    first: str


class ProviderCost(msgspec.Struct, frozen=True):
    """What a provider's entries cost, in nano-USD; `estimated` of it wasn't reported by it."""

    provider: str
    entries: int
    cost: int
    estimated: int
    provisional: int


def read_remaining(
    connection: Connection, org: str, start_ns: int, end_ns: int
) -> Iterator[Remaining]:
    """Yield what there is; an alarm may be anybody's, so it holds up everybody's books."""
    opened = list(_open_attempts(connection, org, start_ns, end_ns))
    if opened:
        yield Remaining("open_attempts", len(opened), opened[0])
    reversal = ledger_entry.alias("reversal")
    of_time = (_entry.org == org, _entry.at_ns >= start_ns, _entry.at_ns < end_ns)
    as_it_was = ~select(reversal.c.id).where(reversal.c.reverses_entry == _entry.id).exists()
    is_usage = _entry.reverses_entry.is_(None)
    for kind, condition in (
        ("provisional", _entry.provisional.is_(True)),
        ("unpriced", _entry.cost.is_(None)),
    ):
        wanted = select(func.count(), func.min(_entry.id))
        counted = connection.execute(wanted.where(*of_time, condition, is_usage, as_it_was)).one()
        if counted[0]:
            yield Remaining(kind, counted[0], f"entry {counted[1]}")
    alarm = journal_alarm.c
    wanted_alarms = select(func.count(), func.min(alarm.segment)).where(
        alarm.at_ns >= start_ns, alarm.at_ns < end_ns
    )
    counted = connection.execute(wanted_alarms).one()
    if counted[0]:
        yield Remaining("alarms", counted[0], f"segment {counted[1]}")


def cost_by_provider(
    connection: Connection, org: str, start_ns: int, end_ns: int
) -> list[ProviderCost]:
    """Return what each provider's entries of a time cost, corrections included."""
    cost = func.coalesce(_entry.cost, 0)
    guessed = _entry.usage_source.in_(_ESTIMATED)
    wanted = (
        select(
            _entry.provider,
            func.count(),
            func.sum(cost),
            func.coalesce(func.sum(cost).filter(guessed), 0),
            func.coalesce(func.sum(cost).filter(_entry.provisional.is_(True)), 0),
        )
        .where(_entry.org == org, _entry.at_ns >= start_ns, _entry.at_ns < end_ns)
        .group_by(_entry.provider)
        .order_by(_entry.provider)
    )
    return [
        ProviderCost(row[0], row[1], *(int(one) for one in row[2:]))
        for row in connection.execute(wanted)
    ]


def _open_attempts(connection: Connection, org: str, start_ns: int, end_ns: int) -> Iterator[str]:
    wanted = select(open_intent.c.payload).where(
        open_intent.c.at_ns >= start_ns, open_intent.c.at_ns < end_ns
    )
    for row in connection.execute(wanted.order_by(open_intent.c.request_id)):
        try:
            intent = decode_record(row.payload)
        except ValueError:
            continue  # an alarm tells of it once its writer is closed
        if isinstance(intent, Intent) and intent.facts.org == org:
            yield f"request {intent.facts.request_id}"
