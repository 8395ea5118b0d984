"""The store of budgets: what they are. How they stand is with the leases and in the ledger."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from legato.audit.event import Act, Detail, Subject
from legato.core.budget import Budget, Measure, Period, Step
from legato.core.budget_spec import check, digest_parts
from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Area, Reach, reaches
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.database.versions import bump, version
from legato.storage.tables.budgets import budget as table

_VERSION_NAME: Final = "budgets"
API: Final = "api"
CONFIG: Final = "config"


class BudgetRecord(msgspec.Struct, frozen=True):
    """A stored budget; `version` rises with each change of it."""

    budget: Budget
    source: str
    version: int
    created_at_ns: int
    changed_at_ns: int


class BudgetStore:
    """Budgets within reach; one of another tenant, or of the instance, doesn't exist.

    Every method may raise StorageUnavailable.
    """

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._reach = reach

    def create(self, budget: Budget) -> BudgetRecord:
        """Store one under a new id. It counts from now on.

        Raises:
            InvalidRequest: naming the field.
            NotFound: its organisation is out of reach.
            Conflict: there is one with this name.
        """
        check(budget)
        if not reaches(self._reach, Area(budget.org)):
            raise NotFound(f"there is no organisation {budget.org!r}", param="org")
        made = msgspec.structs.replace(budget, id=self._ids.new())
        try:
            with writing(self._engine) as connection:
                _insert(connection, made, API, self._clock.now_ns())
                return _get(connection, made.id, self._reach)
        except IntegrityError:
            raise _taken(budget) from None

    def page(self, count: int, after_id: str = "") -> list[BudgetRecord]:
        """Return up to `count` budgets whose ids come after one, in the order of ids."""
        wanted = select(table).where(table.c.id > after_id, *within(self._reach, table))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.c.id).limit(count)).mappings()
            return [_record(row) for row in rows]

    def every(self) -> list[BudgetRecord]:
        """Return all, in the order of their names."""
        wanted = select(table).where(*within(self._reach, table))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.c.org, table.c.name)).mappings()
            return [_record(row) for row in rows]

    def get(self, budget_id: str) -> BudgetRecord:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return _get(connection, budget_id, self._reach)

    def change(self, budget: Budget, if_version: int) -> BudgetRecord:
        """Give one that still has this version what `budget` says; what it counted stays.

        Another measure or window counts from now on.

        Raises:
            NotFound: there is none with this id.
            InvalidRequest: naming the field, or it is declared in the configuration.
            PreconditionFailed: it was changed since.
            Conflict: another one has this name.
        """
        check(budget)
        try:
            with writing(self._engine) as connection:
                record = _get(connection, budget.id, self._reach, locked=True)
                _require_changeable(record, if_version)
                if record.budget.org != budget.org:
                    raise InvalidRequest("org: whose a budget is can't change", param="org")
                _update(connection, record, budget, self._clock.now_ns())
                return _get(connection, budget.id, self._reach)
        except IntegrityError:
            raise _taken(budget) from None

    def delete(self, budget_id: str, if_version: int) -> None:
        """Forget one. Entries go on to name its counters. Raises as `change`."""
        with writing(self._engine) as connection:
            record = _get(connection, budget_id, self._reach, locked=True)
            _require_changeable(record, if_version)
            _delete(connection, record)

    def apply_declared(self, declared: Sequence[Budget]) -> None:
        """Make those of the configuration what it declares, told apart by organisation and name.

        One that is no longer declared is deleted; one keeps its counters while it keeps its name.

        Raises:
            InvalidRequest: naming the field.
            Conflict: a name is taken by one that isn't declared.
        """
        if self._reach != EVERY_TENANT:
            raise TypeError("the configuration declares budgets for every tenant")
        for budget in declared:
            check(budget)
        now_ns = self._clock.now_ns()
        with writing(self._engine) as connection:
            rows = connection.execute(select(table)).mappings().all()
            stored = {(row["org"], row["name"]): _record(row) for row in rows}
            for budget in declared:
                record = stored.pop((budget.org, budget.name), None)
                if record is None:
                    made = msgspec.structs.replace(budget, id=self._ids.new())
                    _insert(connection, made, CONFIG, now_ns)
                elif record.source != CONFIG:
                    raise _taken(budget)
                elif digest_parts(record.budget) != digest_parts(budget):
                    changed = msgspec.structs.replace(budget, id=record.budget.id)
                    _update(connection, record, changed, now_ns)
            for record in stored.values():
                if record.source == CONFIG:
                    _delete(connection, record)

    def version(self) -> int:
        """Return a number that rises with every change of any budget."""
        with reading(self._engine) as connection:
            return version(connection, _VERSION_NAME)

    def snapshot(self) -> tuple[int, list[Budget]]:
        """Return all budgets, and the version they are at least as new as."""
        with reading(self._engine) as connection:
            number = version(connection, _VERSION_NAME)
            rows = connection.execute(select(table).where(*within(self._reach, table))).mappings()
            return number, [_budget(row) for row in rows]


def read_budgets(connection: Connection, budget_ids: Iterable[str]) -> dict[str, Budget]:
    """Return those of these budgets that are still there, by their ids."""
    rows = connection.execute(select(table).where(table.c.id.in_(list(budget_ids)))).mappings()
    return {row["id"]: _budget(row) for row in rows}


def _get(
    connection: Connection, budget_id: str, reach: Reach, *, locked: bool = False
) -> BudgetRecord:
    wanted = select(table).where(table.c.id == budget_id, *within(reach, table))
    row = connection.execute(wanted.with_for_update() if locked else wanted).mappings().first()
    if row is None:
        raise NotFound(f"there is no budget {budget_id!r}")
    return _record(row)


def _require_changeable(record: BudgetRecord, if_version: int) -> None:
    if record.source == CONFIG:
        msg = (
            "this budget is declared in the configuration: change it in legato.yaml, under budgets"
        )
        raise InvalidRequest(msg)
    if record.version != if_version:
        raise PreconditionFailed("this budget was changed since you read it")


def _insert(connection: Connection, budget: Budget, source: str, now_ns: int) -> None:
    row = _columns(budget) | {
        "id": budget.id,
        "source": source,
        "version": 1,
        "created_at_ns": now_ns,
        "changed_at_ns": now_ns,
    }
    connection.execute(insert(table), row)
    bump(connection, _VERSION_NAME)
    recorded(connection, _act("create", budget))


def _update(connection: Connection, record: BudgetRecord, budget: Budget, now_ns: int) -> None:
    values = _columns(budget) | {"version": record.version + 1, "changed_at_ns": now_ns}
    connection.execute(update(table).where(table.c.id == budget.id), values)
    bump(connection, _VERSION_NAME)
    recorded(connection, _act("change", budget))


def _delete(connection: Connection, record: BudgetRecord) -> None:
    connection.execute(delete(table).where(table.c.id == record.budget.id))
    bump(connection, _VERSION_NAME)
    recorded(connection, _act("delete", record.budget))


def _taken(budget: Budget) -> Conflict:
    return Conflict(f"there is a budget named {budget.name!r} already", param="name")


def _act(action: str, budget: Budget) -> Act:
    details: dict[str, Detail] = {
        "name": budget.name,
        "measure": budget.measure.value,
        "limit": budget.limit,
        "window": budget.span,
        "hard": budget.hard,
        "where": " ".join(f"{name}={value}" for name, value in sorted(budget.where.items())),
        "each": " ".join(budget.each),
    }
    return Act(budget.org, f"budget.{action}", Subject("budget", budget.id), details=details)


def _columns(budget: Budget) -> dict[str, Any]:
    return {
        "org": budget.org,
        "name": budget.name,
        "measure": budget.measure.value,
        "amount": budget.limit,
        "period": budget.period.value,
        "rolling_s": budget.rolling_s,
        "covers": _json(budget.where),
        "each": _json(budget.each),
        "hard": budget.hard,
        "steps": _json(budget.steps),
        "share_by": budget.share_by,
        "weights": _json(budget.weights),
    }


def _record(row: Any) -> BudgetRecord:
    return BudgetRecord(
        _budget(row), row["source"], row["version"], row["created_at_ns"], row["changed_at_ns"]
    )


def _budget(row: Any) -> Budget:
    return Budget(
        id=row["id"],
        name=row["name"],
        org=row["org"],
        measure=Measure(row["measure"]),
        limit=row["amount"],
        period=Period(row["period"]),
        rolling_s=row["rolling_s"],
        where=msgspec.json.decode(row["covers"], type=dict[str, str]),
        each=msgspec.json.decode(row["each"], type=tuple[str, ...]),
        hard=bool(row["hard"]),
        steps=msgspec.json.decode(row["steps"], type=tuple[Step, ...]),
        share_by=row["share_by"],
        weights=msgspec.json.decode(row["weights"], type=dict[str, int]),
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
