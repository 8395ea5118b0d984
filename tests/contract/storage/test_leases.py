from typing import Any

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.leases import Grant, Limit, LimitKind, Returned, Wish, falls_short
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.storage.limits.leases import LeaseStore
from legato.storage.limits.redis.books import LeaseBooks
from legato.storage.limits.redis.leases import RedisLeases
from legato.storage.limits.redis.session import Session

from .leasing import return_budget, return_rate, return_slots, take_budget, take_rate, take_slots

BUDGET = BudgetLimit("key:k1", NanoUSD(1_000), Window.DAY)
NOV_14_NS = 1_699_920_000_000_000_000
DAY_NS = 86_400_000_000_000


@pytest.fixture(params=["sql", "redis"])
def leases(request: pytest.FixtureRequest, engine: Engine, clock: ManualClock) -> Any:
    if request.param == "sql":
        return LeaseStore(engine, clock)
    server = request.getfixturevalue("redis_server")
    return RedisLeases(Session(server.terms, LeaseBooks(engine, clock), clock))


def test_a_budget_is_given_out_once(leases: LeaseStore, clock: ManualClock) -> None:
    first = take_budget(leases, BUDGET, holder="a", want=700, at_least=1)
    now_ns, end_ns = clock.now_ns(), NOV_14_NS + DAY_NS
    assert first == Grant(700, 0, 700, 1_000, NOV_14_NS, end_ns, now_ns, end_ns)
    assert take_budget(leases, BUDGET, holder="b", want=700, at_least=400).granted == 0
    assert take_budget(leases, BUDGET, holder="b", want=700, at_least=300).granted == 300
    assert take_budget(leases, BUDGET, holder="a", want=1, at_least=1).granted == 0
    return_budget(leases, BUDGET.id, NOV_14_NS, holder="a", amount=50)
    return_budget(leases, BUDGET.id, NOV_14_NS, holder="b", amount=9_999)
    assert take_budget(leases, BUDGET, holder="c", want=1_000, at_least=1).granted == 350


def test_a_lowered_limit_gives_nothing_more(leases: LeaseStore) -> None:
    take_budget(leases, BUDGET, holder="a", want=700, at_least=1)
    lowered = BudgetLimit(BUDGET.id, NanoUSD(500), Window.DAY)
    assert take_budget(leases, lowered, holder="a", want=10, at_least=0).granted == 0


def test_a_budget_window_ends(leases: LeaseStore, clock: ManualClock) -> None:
    take_budget(leases, BUDGET, holder="a", want=1_000, at_least=1)
    clock.advance(86_400)
    grant = take_budget(leases, BUDGET, holder="a", want=1_000, at_least=1)
    assert (grant.granted, grant.window_start_ns) == (1_000, NOV_14_NS + DAY_NS)
    return_budget(leases, BUDGET.id, NOV_14_NS, holder="a", amount=1_000)
    assert take_budget(leases, BUDGET, holder="a", want=1, at_least=1).granted == 0


def test_a_total_budget_never_resets(leases: LeaseStore, clock: ManualClock) -> None:
    total = BudgetLimit("t", NanoUSD(10), Window.TOTAL)
    assert take_budget(leases, total, holder="a", want=10, at_least=1).resets_at_ns is None
    clock.advance(400 * 86_400)
    assert take_budget(leases, total, holder="a", want=10, at_least=1).granted == 0


def test_a_rate_is_given_out_once_a_window(leases: LeaseStore, clock: ManualClock) -> None:
    assert take_rate(leases, "k", 60, holder="a", want=40).granted == 40
    grant = take_rate(leases, "k", 60, holder="b", want=40)
    assert grant.granted == 20
    return_rate(leases, "k", grant.window_start_ns, holder="b", amount=5)
    assert take_rate(leases, "k", 60, holder="a", want=40).granted == 5
    clock.advance(60)
    return_rate(leases, "k", grant.window_start_ns, holder="b", amount=15)
    assert take_rate(leases, "k", 60, holder="a", want=100).granted == 60
    assert take_rate(leases, "other", 60, holder="a", want=1).granted == 1


def test_slots_come_back_by_hand_or_with_the_holder(leases: LeaseStore) -> None:
    assert take_slots(leases, "k", 4, holder="a", want=3).granted == 3
    assert take_slots(leases, "k", 4, holder="b", want=3).granted == 1
    return_slots(leases, "k", holder="a", amount=1)
    assert take_slots(leases, "k", 4, holder="b", want=3).granted == 1
    take_budget(leases, BUDGET, holder="a", want=1_000, at_least=1)
    leases.release_holder("a")
    leases.release_holder("a")
    assert take_slots(leases, "k", 4, holder="b", want=9).granted == 2
    assert take_budget(leases, BUDGET, holder="b", want=1, at_least=1).granted == 0


def test_without_a_clock_the_store_has_its_own(engine: Engine) -> None:
    grant = take_rate(LeaseStore(engine), "k", 60, holder="a", want=1)
    assert grant.window_start_ns > NOV_14_NS
    assert grant.window_start_ns % 60_000_000_000 == 0


def of(kind: LimitKind, limit_id: str, limit: int, span: str = "day") -> Limit:
    return Limit(kind, limit_id, limit, span)


def test_all_or_none_is_taken(leases: LeaseStore) -> None:
    team, tokens = of(LimitKind.BUDGET, "team", 1_000), of(LimitKind.TOKENS, "tokens:user", 50)
    calls = of(LimitKind.RATE, "calls", 10, "3600")
    both = [Wish(team, 600, 400), Wish(tokens, 40, 10), Wish(calls, 5)]
    assert [grant.granted for grant in leases.take(both, holder="a")] == [600, 40, 5]
    more = [Wish(team, 500, 401), Wish(tokens, 10, 10)]
    refused = leases.take(more, holder="b")
    assert [grant.granted for grant in refused] == [0, 0]
    assert [grant.leased for grant in refused] == [600, 40]
    assert [falls_short(*pair) for pair in zip(more, refused, strict=True)] == [True, False]
    assert leases.take([Wish(tokens, 10, 10)], holder="b")[0].granted == 10
    leases.give_back(
        [
            Returned(LimitKind.BUDGET, "team", NOV_14_NS, 600),
            Returned(LimitKind.TOKENS, "tokens:user", NOV_14_NS, 99),
        ],
        holder="a",
    )
    asked = leases.take([Wish(team, 0, 0), Wish(tokens, 0, 0)], holder="c")
    assert [(grant.granted, grant.leased) for grant in asked] == [(0, 0), (0, 10)]


def test_a_soft_limit_grants_what_is_wanted(leases: LeaseStore) -> None:
    soft = of(LimitKind.BUDGET, "soft", 100)._replace(soft=True)
    assert leases.take([Wish(soft, 90, 90)], holder="a")[0].granted == 90
    assert leases.take([Wish(soft, 90, 90)], holder="a")[0].leased == 180


def test_a_rolling_window_moves_on_by_its_parts(leases: LeaseStore, clock: ManualClock) -> None:
    hours = of(LimitKind.TOKENS, "tokens:rolling", 100, "rolling/86400/24")
    hour_ns = 3_600 * 1_000_000_000
    grant = leases.take([Wish(hours, 60)], holder="a")[0]
    start_ns = grant.window_start_ns
    assert grant.resets_at_ns == start_ns + hour_ns
    clock.advance(12 * 3_600)
    grant = leases.take([Wish(hours, 60)], holder="a")[0]
    assert (grant.granted, grant.leased) == (40, 100)
    assert grant.window_start_ns == start_ns + 12 * hour_ns
    assert grant.frees_at_ns == start_ns + 25 * hour_ns, "when the first part has left"
    clock.advance(12 * 3_600)
    assert leases.take([Wish(hours, 60)], holder="a")[0].granted == 0, "24 parts and this one"
    leases.give_back([Returned(LimitKind.TOKENS, "tokens:rolling", start_ns, 10)], holder="a")
    assert leases.take([Wish(hours, 60)], holder="a")[0].granted == 10
    clock.advance(3_600)
    assert leases.take([Wish(hours, 60)], holder="a")[0].granted == 50


def test_a_changed_window_counts_what_is_leased_of_the_former(leases: LeaseStore) -> None:
    monthly = BudgetLimit(BUDGET.id, BUDGET.limit, Window.MONTH)
    assert take_budget(leases, BUDGET, holder="a", want=400, at_least=1).granted == 400
    assert take_budget(leases, BUDGET, holder="b", want=100, at_least=1).granted == 100
    grant = take_budget(leases, monthly, holder="a", want=1_000, at_least=1)
    assert (grant.granted, grant.leased) == (500, 1_000), "all that is leased, of both windows"
    assert take_budget(leases, monthly, holder="c", want=1, at_least=1).granted == 0
    return_budget(leases, BUDGET.id, NOV_14_NS, holder="b", amount=100)
    assert take_budget(leases, monthly, holder="c", want=1_000, at_least=1).granted == 100
