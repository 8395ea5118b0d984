"""The outbox, its claim, and what is found to be told, on either database."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from legato.app.desks.notifying import window_end
from legato.core.budget import Budget, BudgetEvent, Measure, Period
from legato.core.clock import ManualClock, SystemClock
from legato.core.config_notifications import NotificationRoute
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.notification import Notification, Severity, State
from legato.core.tenant import EVERY_TENANT, Area, Areas, Reach, Tenant
from legato.notify.lookout import Lookout
from legato.notify.telling import Words
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.limits.budgets import BudgetStore
from legato.storage.notifications.claims import WorkClaim
from legato.storage.notifications.outbox import Addressed, Outbox, prune_notifications
from legato.storage.notifications.traces import Traces
from legato.storage.tables.erasures import erasure
from legato.storage.tables.rollouts import rollout
from legato.storage.tables.schema import journal_alarm

if TYPE_CHECKING:
    from sqlalchemy import Engine

DAY_NS = 86_400_000_000_000
ACME = Tenant("acme")


def said(name: str, **terms: Any) -> Notification:
    given = {"kind": "test", "severity": Severity.INFO, "org": "acme"} | terms
    return Notification(id=name * 32, title="T", text="X", at_ns=5, once=name, **given)


@pytest.fixture
def outbox(engine: Engine) -> Outbox:
    return Outbox(engine, EVERY_TENANT)


def states(outbox: Outbox) -> dict[str, dict[str, State]]:
    return {
        kept.notification.id[0]: {one.channel: one.state for one in kept.deliveries}
        for kept in outbox.page(100)
    }


def test_each_is_told_once_whoever_finds_it(engine: Engine) -> None:
    def tell(number: int) -> int:
        one = Notification(
            id=f"{number:032x}", kind="test", severity=Severity.INFO,
            title="", text="", at_ns=5, once="the same",
        )  # fmt: skip
        return len(Outbox(engine, EVERY_TENANT).add([Addressed(one, ["a", "b", "a"])]))

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(tell, range(8))) == 1
    (kept,) = Outbox(engine, EVERY_TENANT).page(100)
    assert [one.channel for one in kept.deliveries] == ["a", "b"]


def test_a_delivery_waits_is_sent_fails_and_dies(outbox: Outbox) -> None:
    first, later = said("a"), said("b", after_ns=100)
    outbox.add([Addressed(first, ["x", "y"]), Addressed(later, ["x"])], ("source", 7))
    assert outbox.position("source") == 7
    assert outbox.known("a")
    assert not outbox.known("c")
    assert {(due.notification.id[0], due.channel) for due in outbox.due(50, 10)} == {
        ("a", "x"),
        ("a", "y"),
    }
    assert [due.channel for due in outbox.due(50, 10, frozenset({"x"}))] == ["y"]
    outbox.sent(first.id, "x", 60)
    outbox.failed(first.id, "y", "away", 90)
    assert outbox.due(80, 10) == []
    assert [due.attempts for due in outbox.due(90, 10)] == [1]
    outbox.failed(first.id, "y", "away", None)
    assert states(outbox) == {"a": {"x": State.SENT, "y": State.DEAD}, "b": {"x": State.WAITING}}
    assert [kept.notification.id[0] for kept in outbox.page(9, state="dead")] == ["a"]
    outbox.retry(first.id, "", 200)
    assert {(due.notification.id[0], due.attempts) for due in outbox.due(200, 9)} == {
        ("a", 0),
        ("b", 0),
    }
    with pytest.raises(NotFound, match="channel"):
        outbox.retry(first.id, "z", 200)


def test_nobody_sees_anothers(engine: Engine, outbox: Outbox) -> None:
    ours, theirs = said("a", team="search", feature="bot"), said("b", org="other")
    outbox.add([Addressed(ours, ["x"]), Addressed(theirs, ["x"]), Addressed(said("c"), [])])

    def seen(reach: Reach) -> set[str]:
        return {kept.notification.id[0] for kept in Outbox(engine, reach).page(9)}

    assert seen(ACME) == {"a", "c"}
    assert seen(Areas((Area("acme", "search"),))) == {"a"}
    for act in (Outbox(engine, ACME).get, lambda name: Outbox(engine, ACME).retry(name, "", 1)):
        with pytest.raises(NotFound):
            act(theirs.id)


def test_what_had_its_time_goes_with_its_deliveries(engine: Engine, outbox: Outbox) -> None:
    outbox.add([Addressed(said("a"), ["x"])])
    assert prune_notifications(engine, 5) == 0
    assert prune_notifications(engine, 6) == 1
    assert outbox.page(9) == []
    assert outbox.due(9, 9) == []


def test_one_holder_has_a_claim_until_it_lapses(engine: Engine) -> None:
    one, other = WorkClaim(engine, "w", "one"), WorkClaim(engine, "w", "other")
    assert one.take(60_000_000_000)
    assert not other.take(60_000_000_000)
    assert one.take(1)
    time.sleep(0.001)
    assert other.take(60_000_000_000)
    assert not one.take(60_000_000_000)
    one.give_back()  # it isn't its own any more
    assert not one.take(60_000_000_000)
    other.give_back()
    assert one.take(60_000_000_000)


def lookout(engine: Engine, clock: ManualClock) -> Lookout:
    words = Words(IdSource(clock).new, window_end)
    routes = [NotificationRoute(channels=["x"])]
    outbox = Outbox(engine, EVERY_TENANT)
    return Lookout(Traces(engine), outbox, words, routes=routes, now_ns=clock.now_ns)


def test_steps_of_budgets_are_told_once_for_each_window(engine: Engine, clock: ManualClock) -> None:
    store = BudgetStore(engine, clock, IdSource(clock), EVERY_TENANT)
    budget = store.create(
        Budget(id="", name="b", org="acme", measure=Measure.USD, limit=10, period=Period.DAY)
    ).budget
    events = BudgetEventStore(engine, EVERY_TENANT)
    looking = lookout(engine, clock)
    start_ns = clock.now_ns() // DAY_NS * DAY_NS

    def event(what: str, window_ns: int = start_ns, percent: int = 80) -> BudgetEvent:
        return BudgetEvent(
            "acme", budget.id, f"budget:{budget.id}", window_ns, what, percent,
            clock.now_ns(), 8, 10, "b",
        )  # fmt: skip

    events.add([event("warn", start_ns - 2 * DAY_NS)])
    clock.advance(3_600)
    assert looking.look_at_budgets() == []  # from before the first look
    events.add([event("warn"), event("blocked", percent=100)])
    told = looking.look_at_budgets()
    assert [one.kind for one in told] == ["budget.warn", "budget.reset", "budget.blocked"]
    events.add([event("warn")])
    assert looking.look_at_budgets() == []
    assert lookout(engine, clock).look_at_budgets() == []  # another process, the same position
    events.add([event("warn", start_ns + DAY_NS)])
    assert [one.kind for one in looking.look_at_budgets()] == ["budget.warn", "budget.reset"]
    resets = Outbox(engine, EVERY_TENANT).page(9, kind="budget.reset")
    assert [kept.deliveries[0].next_ns for kept in resets] == [
        start_ns + 2 * DAY_NS,
        start_ns + DAY_NS,
    ]


def test_what_others_left_is_told_once(engine: Engine, clock: ManualClock) -> None:
    now_ns = SystemClock.now_ns()
    clock = ManualClock(now_ns)
    rows = dict.fromkeys(
        ("environment", "kind", "name", "label", "champion", "candidate", "plan", "author",
         "reason", "told", "begun"), "x"
    )  # fmt: skip
    with engine.begin() as connection:
        connection.execute(
            insert(rollout),
            rows | {"org": "acme", "id": "r1", "phase": "rolled_back", "step": 1, "version": 1,
                    "since_ns": 1, "started_at_ns": 1, "ended_at_ns": now_ns - 5},
        )  # fmt: skip
        connection.execute(
            insert(journal_alarm),
            {"digest": "d", "segment": "s", "segment_offset": 0, "at_ns": now_ns, "reason": "cut",
             "payload": b""},
        )  # fmt: skip
        connection.execute(
            insert(erasure),
            {"org": "acme", "id": "e1", "author": "a", "end_user": "", "request_id": "r",
             "counts": "{}", "at_ns": now_ns - 2 * 3_600_000_000_000, "ended_at_ns": None},
        )  # fmt: skip
    looking = lookout(engine, clock)
    assert {one.kind for one in looking.look_around()} == {
        "rollout.rolled_back",
        "ledger.alarm",
        "erasure.unfinished",
    }
    assert looking.look_around() == []
