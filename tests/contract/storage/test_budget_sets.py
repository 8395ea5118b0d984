"""Entries that are charged to several budgets: what the ledger settles, and where."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text

from legato.core.budget import Budget, Does, Measure, Period, Step
from legato.core.clock import ManualClock
from legato.core.errors import Conflict, InvalidRequest, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.leases import Leases, Limit, LimitKind, Wish
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.verify import verify
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.limits.budgets import BudgetStore
from legato.storage.limits.leases import LeaseStore
from legato.storage.tables.schema import limit_window

from .journal_records import encoded, intent, settled

WRITER = "b-0"
SEGMENT = f"{WRITER}/1"
TEAM = Limit(LimitKind.BUDGET, "budget:team", 10_000, "day")
MONTH = Limit(LimitKind.BUDGET, "budget:org", 10_000, "month")
TOKENS = Limit(LimitKind.TOKENS, "tokens:user/user=u-1", 5_000, "rolling/86400/24")
ALL = (TEAM, MONTH, TOKENS)
IDS = " ".join(one.id for one in ALL)


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock)


@pytest.fixture
def leases(engine: Engine, clock: ManualClock) -> LeaseStore:
    return LeaseStore(engine, clock)


def take(leases: Leases, wants: Sequence[int], holder: str = WRITER) -> None:
    wishes = [Wish(limit, want) for limit, want in zip(ALL, wants, strict=True)]
    assert [one.granted for one in leases.take(wishes, holder=holder)] == list(wants)


def levels(engine: Engine) -> dict[str, tuple[int, int]]:
    with engine.connect() as connection:
        rows = connection.execute(select(limit_window)).all()
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        before = found.get(row.limit_id, (0, 0))
        found[row.limit_id] = (before[0] + row.settled, before[1] + row.leased)
    return found


def tokens_of(record: Any) -> int:
    return int(record.usage.total_tokens)


def test_one_entry_is_settled_on_all_that_held_it(
    engine: Engine, ledger: Ledger, leases: LeaseStore
) -> None:
    take(leases, (2_000, 2_000, 1_000))
    one = settled("r1", budget=IDS)
    ledger.commit(SEGMENT, 1, encoded(one, settled("r2", budget=TEAM.id)))
    used = tokens_of(one)
    assert levels(engine) == {
        TEAM.id: (1_000, 1_000),
        MONTH.id: (500, 1_500),
        TOKENS.id: (used, 1_000 - used),
    }
    ledger.forget_segment(SEGMENT)
    ledger.commit(SEGMENT, 1, encoded(one))
    assert levels(engine)[TEAM.id] == (1_000, 1_000), "what comes again changes nothing"
    assert verify(engine).problems == []


def test_an_orphan_is_closed_on_the_same_budgets_and_corrected_on_them(
    engine: Engine, ledger: Ledger, leases: LeaseStore
) -> None:
    take(leases, (2_000, 2_000, 1_000))
    ledger.commit(SEGMENT, 1, encoded(intent("r1", budget=IDS)))
    ledger.writer_finished(WRITER)
    assert levels(engine) == {TEAM.id: (900, 0), MONTH.id: (900, 0), TOKENS.id: (180, 0)}
    one = settled("r1", budget=IDS)
    ledger.commit(SEGMENT, 2, encoded(one))
    assert levels(engine) == {
        TEAM.id: (500, 0),
        MONTH.id: (500, 0),
        TOKENS.id: (tokens_of(one), 0),
    }
    assert verify(engine).problems == []


def test_a_rolling_counter_gets_back_what_it_was_charged(
    engine: Engine, ledger: Ledger, leases: LeaseStore, clock: ManualClock
) -> None:
    take(leases, (2_000, 2_000, 1_000))
    ledger.commit(SEGMENT, 1, encoded(intent("r1", budget=IDS)))
    ledger.writer_finished(WRITER)
    clock.advance(4 * 3_600)  # the day is another one, the rolling window holds both
    take(leases, (1, 1, 1), holder="c-0")
    late = settled("r1", budget=IDS)
    ledger.commit("d-0/1", 1, encoded(late))
    with engine.connect() as connection:
        wanted = limit_window.c.limit_id == TOKENS.id
        parts = connection.execute(select(limit_window).where(wanted)).all()
    assert {row.settled for row in parts} == {0, tokens_of(late)}
    assert all(row.settled >= 0 for row in parts)
    assert verify(engine).problems == []


def test_a_late_outcome_gives_no_later_window_more_to_spend(
    engine: Engine, ledger: Ledger, leases: LeaseStore, clock: ManualClock
) -> None:
    both = f"{TEAM.id} {MONTH.id}"
    wishes = [Wish(TEAM, 2_000), Wish(MONTH, 2_000)]
    leases.take(wishes, holder=WRITER)
    ledger.commit(SEGMENT, 1, encoded(intent("r1", budget=both)))
    ledger.writer_finished(WRITER)
    clock.advance(86_400)
    leases.take(wishes, holder="c-0")
    now_ns = clock.now_ns()
    ledger.commit("c-0/1", 1, encoded(settled("r2", cost=50, budget=both, at_ns=now_ns)))
    ledger.commit("d-0/1", 1, encoded(settled("r1", cost=400, budget=both)))
    day, month = leases.take([Wish(TEAM, 0, 0), Wish(MONTH, 0, 0)], holder="e-0")
    assert (day.settled, month.settled) == (50, 450), "what was held yesterday is yesterday's"
    assert verify(engine).problems == []


def test_a_changed_window_counts_what_is_leased_of_the_former(
    engine: Engine, ledger: Ledger, leases: LeaseStore
) -> None:
    assert leases.take([Wish(TEAM, 4_000, 4_000)], holder=WRITER)[0].granted == 4_000
    monthly = TEAM._replace(span="month")
    (grant,) = leases.take([Wish(monthly, 10_000, 1)], holder=WRITER)
    assert (grant.granted, grant.leased) == (6_000, 10_000)
    ledger.commit(SEGMENT, 1, encoded(settled("r1", cost=4_000, budget=TEAM.id)))
    (grant,) = leases.take([Wish(monthly, 10_000, 0)], holder="c-0")
    assert (grant.granted, grant.settled, grant.leased) == (0, 4_000, 6_000), "paid once"
    assert verify(engine).problems == []


def test_what_is_posted_one_by_one_locks_all_at_once(
    engine: Engine, ledger: Ledger, leases: LeaseStore
) -> None:
    """A lock that is taken later could be waited for by one who has it, in a circle."""
    take(leases, (2_000, 2_000, 1_000))
    locks: list[set[int]] = []

    def noted(*said: Any) -> None:
        if "advisory_xact_lock(" in said[2]:
            (numbers,) = dict(said[3]).values()
            locks.append(set(numbers))

    event.listen(engine, "before_cursor_execute", noted)
    try:
        bad = settled("r0", budget=MONTH.id, cost=2**63)
        records = [settled(f"r{number}", budget=one.id) for number, one in enumerate(ALL, 1)]
        ledger.commit(SEGMENT, 1, encoded(bad, *records))
    finally:
        event.remove(engine, "before_cursor_execute", noted)
    assert levels(engine)[MONTH.id] == (500, 1_500)
    if engine.dialect.name == "postgresql":
        _whole, first, *later = locks
        assert len(first) == len(ALL)
        assert all(numbers <= first for numbers in later)


def test_each_user_has_a_counter_that_is_the_sum_of_his_own_entries(
    engine: Engine, ledger: Ledger, leases: LeaseStore
) -> None:
    take(leases, (2_000, 2_000, 1_000))
    other = TOKENS._replace(id="tokens:user/user=u-2")
    leases.take([Wish(other, 500)], holder=WRITER)
    one = settled("r1", budget=IDS)
    others = settled("r2", budget=f"{TEAM.id} {other.id}")
    ledger.commit(SEGMENT, 1, encoded(one, others, settled("r3", budget=IDS)))
    used = tokens_of(one)
    assert [levels(engine)[name][0] for name in (TOKENS.id, other.id)] == [2 * used, used]
    assert verify(engine).problems == []


def test_a_counter_that_is_made_later_finds_what_was_spent_before(
    engine: Engine, ledger: Ledger, leases: LeaseStore
) -> None:
    one = settled("r1", budget=IDS)
    ledger.commit(SEGMENT, 1, encoded(one))
    grants = leases.take([Wish(limit, 0, 0) for limit in ALL], holder=WRITER)
    assert [grant.settled for grant in grants] == [500, 500, tokens_of(one)]


def test_a_counter_that_is_not_what_the_ledger_says_is_found(
    engine: Engine, ledger: Ledger, leases: LeaseStore
) -> None:
    take(leases, (2_000, 2_000, 1_000))
    ledger.commit(SEGMENT, 1, encoded(settled("r1", budget=IDS)))
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE limit_window SET settled = settled + 1 WHERE kind = 'tokens'")
        )
    assert [problem.where for problem in verify(engine).problems] == [TOKENS.id]


def team_budget(**changes: Any) -> Budget:
    values = {
        "id": "",
        "name": "support",
        "org": "acme",
        "measure": Measure.USD,
        "limit": 1_000,
        "period": Period.DAY,
        "where": {"team": "support"},
        "steps": (Step(50, Does.WARN), Step(100, Does.WARN)),
        **changes,
    }
    return Budget(**values)


@pytest.fixture
def store_of(engine: Engine, clock: ManualClock, ids: IdSource) -> Callable[..., BudgetStore]:
    return lambda reach: BudgetStore(engine, clock, ids, reach)


def test_budgets_are_kept_with_versions(store_of: Callable[..., BudgetStore]) -> None:
    store, other = store_of(Tenant("acme")), store_of(Tenant("other"))
    made = store.create(team_budget())
    assert made.version == 1
    with pytest.raises(Conflict):
        store.create(team_budget())
    with pytest.raises(NotFound):
        other.create(team_budget())
    with pytest.raises(NotFound):
        other.get(made.budget.id)
    wider = team_budget(id=made.budget.id, limit=2_000)
    with pytest.raises(NotFound):
        other.change(wider, 1)
    before = store.version()
    assert store.change(wider, 1).version == 2
    assert store.version() > before
    with pytest.raises(PreconditionFailed):
        store.change(wider, 1)
    assert [one.budget for one in store.every()] == [wider]
    assert other.every() == []
    with pytest.raises(InvalidRequest, match="limit"):
        store.create(team_budget(name="below", limit=-1))
    store.delete(made.budget.id, 2)
    assert store.snapshot()[1] == []


def test_declared_budgets_follow_the_configuration(store_of: Callable[..., BudgetStore]) -> None:
    store = store_of(EVERY_TENANT)
    store.apply_declared([team_budget(), team_budget(name="all", org="", where={})])
    first = {one.budget.name: one for one in store.every()}
    store.apply_declared([team_budget(limit=3_000)])
    (left,) = store.every()
    assert (left.budget.limit, left.version) == (3_000, 2)
    assert left.budget.id == first["support"].budget.id, "it goes on counting"
    version = store.version()
    store.apply_declared([team_budget(limit=3_000)])
    assert store.version() == version
    with pytest.raises(InvalidRequest, match="legato"):
        store.delete(left.budget.id, 2)


def test_the_ledger_tells_exactly_when_a_step_is_reached(
    engine: Engine, ledger: Ledger, leases: LeaseStore, store_of: Callable[..., BudgetStore]
) -> None:
    budget = store_of(EVERY_TENANT).create(team_budget()).budget
    counter = budget.counter({"team": "support"})
    leases.take([Wish(counter, 1_000)], holder=WRITER)
    events = BudgetEventStore(engine, Tenant("acme"))
    ledger.commit(SEGMENT, 1, encoded(settled("r1", cost=499, budget=counter.id)))
    assert events.page(10) == []
    ledger.commit(SEGMENT, 2, encoded(settled("r2", cost=1, budget=counter.id)))
    ledger.commit(SEGMENT, 3, encoded(settled("r3", cost=400, budget=counter.id)))
    ledger.commit(SEGMENT, 4, encoded(settled("r4", cost=100, budget=counter.id)))
    told = [(one.what, one.at_percent, one.used) for _, one in events.page(10)]
    assert told == [("warn", 50, 500), ("warn", 100, 1_000)]
    assert BudgetEventStore(engine, Tenant("other")).page(10) == []
