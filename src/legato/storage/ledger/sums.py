"""Sums over the ledger. Corrections carry negated tokens and amounts, so plain sums are net."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, case, func, select

from legato.core.errors import InvalidRequest
from legato.core.records import EntryKind
from legato.core.tenant import Reach
from legato.core.usage import USAGE_CLASSES
from legato.economics.waterfall import STEP_COLUMNS, STEPS
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import within
from legato.storage.database.windows import day_text
from legato.storage.ledger.entries import EntryFilter
from legato.storage.tables.schema import journal_alarm, ledger_entry, open_intent

_NS_PER_DAY: Final = 86_400_000_000_000


class Dimension(StrEnum):
    """What sums can be split by."""

    ORG = "org"
    TEAM = "team"
    FEATURE = "feature"
    MODEL = "model"
    MODEL_SERVED = "model_served"
    MODEL_REQUESTED = "model_requested"
    DEPLOYMENT = "deployment"
    PROVIDER = "provider"
    REGION = "region"
    KEY = "key"
    USER = "user"
    ROUTE = "route"
    KIND = "kind"
    STATUS = "status"
    USAGE_SOURCE = "usage_source"
    PERIOD = "period"
    DAY = "day"


_COLUMNS: Final = {Dimension.KEY: "key_id", Dimension.USER: "end_user"}


class SpendSum(msgspec.Struct, frozen=True, kw_only=True):
    """One group. Amounts are nano-USD; unpriced attempts add nothing to them.

    `saved` is baseline minus cost where both are known. `group` has the dimensions' values in
    the order they were asked for. `steps` of the waterfall come to `saved`.
    """

    group: tuple[str, ...]
    requests: int
    attempts: int
    unpriced: int
    provisional: int
    cost: int
    baseline_cost: int
    saved: int
    tokens: dict[str, int]
    steps: dict[str, int]


class NodeSpend(msgspec.Struct, frozen=True, kw_only=True):
    """What a node of a workflow cost: nano-USD, and tokens of all classes."""

    requests: int = 0
    cost: int = 0
    tokens: int = 0
    tokens_in: int = 0
    """Of them, those that went in."""


class Backlog(msgspec.Struct, frozen=True):
    """What has not become an entry: attempts under way, payloads that could not be read."""

    open_attempts: int
    alarms: int


class SpendSums:
    """Sums over what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._entries = within(reach, ledger_entry)

    def sum_by(
        self, dimensions: Sequence[str], wanted: EntryFilter | None = None
    ) -> list[SpendSum]:
        """Return one row per combination of the dimensions, in their order.

        Raises:
            InvalidRequest: a dimension is not one of `Dimension`.
        """
        groups = [_group(name) for name in dimensions]
        statement = (
            select(*groups, *_measures())
            .where(*self._entries, *(wanted or EntryFilter()).conditions())
            .group_by(*groups)
            .order_by(*groups)
        )
        with reading(self._engine) as connection:
            return [_sum(dimensions, tuple(row)) for row in connection.execute(statement)]

    def by_node(self, wanted: EntryFilter) -> dict[str, NodeSpend]:
        """Return the sums of a run's entries by the node that their tags name, "" for none."""
        tags = ledger_entry.c.tags
        statement = (
            select(tags, *_measures())
            .where(*self._entries, *wanted.conditions())
            .group_by(tags)
            .order_by(tags)
        )
        found: dict[str, NodeSpend] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(statement):
                node = msgspec.json.decode(row[0]).get("node", "")
                one, before = _sum(("tags",), tuple(row)), found.get(node, NodeSpend())
                found[node] = NodeSpend(
                    requests=before.requests + one.requests,
                    cost=before.cost + one.cost,
                    tokens=before.tokens + sum(one.tokens.values()),
                    tokens_in=before.tokens_in
                    + sum(n for name, n in one.tokens.items() if name.startswith("in_")),
                )
        return found

    def total(self, wanted: EntryFilter | None = None) -> SpendSum:
        """Return the sum of all."""
        return self.sum_by((), wanted)[0]


def read_backlog(engine: Engine) -> Backlog:
    """Count, over the whole instance, what is open and what could not be read.

    Raises:
        StorageUnavailable: the database is away.
    """
    with reading(engine) as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (open_intent, journal_alarm)
        ]
    return Backlog(*counts)


def _group(name: str) -> ColumnElement[Any]:
    try:
        dimension = Dimension(name)
    except ValueError:
        known = ", ".join(Dimension)
        raise InvalidRequest(f"{name} is no dimension; known are {known}", param="by") from None
    if dimension is Dimension.DAY:
        return (ledger_entry.c.at_ns // _NS_PER_DAY).label("day")
    return ledger_entry.c[_COLUMNS.get(dimension, dimension.value)]


def _measures() -> list[ColumnElement[Any]]:
    entry = ledger_entry.c
    # A reversed attempt and its replacement are one attempt.
    sign = case((entry.kind == EntryKind.CORRECTION.value, -1), else_=1)
    provisional = case((entry.provisional, 1), else_=0)
    undone = case((entry.kind == EntryKind.CORRECTION.value, 1), else_=0)
    return [
        func.count(entry.request_id.distinct()),
        func.sum(sign),
        func.sum(case((entry.cost.is_(None), sign), else_=0)),
        func.sum(provisional - undone),
        func.sum(entry.cost),
        func.sum(entry.baseline_cost),
        func.sum(entry.baseline_cost - entry.cost),
        *[func.sum(entry[name]) for name in (*STEP_COLUMNS, *USAGE_CLASSES)],
    ]


def _sum(dimensions: Sequence[str], row: tuple[Any, ...]) -> SpendSum:
    group = tuple(
        day_text(value) if name == Dimension.DAY else str(value)
        for name, value in zip(dimensions, row, strict=False)
    )
    # Postgres sums bigint to numeric.
    numbers = [int(value or 0) for value in row[len(dimensions) :]]
    requests, attempts, unpriced, provisional, cost, baseline_cost, saved, *rest = numbers
    steps, tokens = rest[: len(STEPS)], rest[len(STEPS) :]
    return SpendSum(
        group=group,
        requests=requests,
        attempts=attempts,
        unpriced=unpriced,
        provisional=provisional,
        cost=cost,
        baseline_cost=baseline_cost,
        saved=saved,
        tokens=dict(zip(USAGE_CLASSES, tokens, strict=True)),
        steps=dict(zip(STEPS, steps, strict=True)),
    )
