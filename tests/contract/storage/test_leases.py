import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.storage.limits.leases import Grant, LeaseStore

BUDGET = BudgetLimit("key:k1", NanoUSD(1_000), Window.DAY)
NOV_14_NS = 1_699_920_000_000_000_000
DAY_NS = 86_400_000_000_000


@pytest.fixture
def leases(engine: Engine, clock: ManualClock) -> LeaseStore:
    return LeaseStore(engine, clock)


def test_a_budget_is_given_out_once(leases: LeaseStore, clock: ManualClock) -> None:
    first = leases.take_budget(BUDGET, holder="a", want=700, at_least=1)
    now_ns = clock.now_ns()
    assert first == Grant(700, 0, 700, 1_000, NOV_14_NS, NOV_14_NS + DAY_NS, now_ns)
    assert leases.take_budget(BUDGET, holder="b", want=700, at_least=400).granted == 0
    assert leases.take_budget(BUDGET, holder="b", want=700, at_least=300).granted == 300
    assert leases.take_budget(BUDGET, holder="a", want=1, at_least=1).granted == 0
    leases.return_budget(BUDGET.id, NOV_14_NS, holder="a", amount=50)
    leases.return_budget(BUDGET.id, NOV_14_NS, holder="b", amount=9_999)
    assert leases.take_budget(BUDGET, holder="c", want=1_000, at_least=1).granted == 350


def test_a_lowered_limit_gives_nothing_more(leases: LeaseStore) -> None:
    leases.take_budget(BUDGET, holder="a", want=700, at_least=1)
    lowered = BudgetLimit(BUDGET.id, NanoUSD(500), Window.DAY)
    assert leases.take_budget(lowered, holder="a", want=10, at_least=0).granted == 0


def test_a_budget_window_ends(leases: LeaseStore, clock: ManualClock) -> None:
    leases.take_budget(BUDGET, holder="a", want=1_000, at_least=1)
    clock.advance(86_400)
    grant = leases.take_budget(BUDGET, holder="a", want=1_000, at_least=1)
    assert (grant.granted, grant.window_start_ns) == (1_000, NOV_14_NS + DAY_NS)
    leases.return_budget(BUDGET.id, NOV_14_NS, holder="a", amount=1_000)
    assert leases.take_budget(BUDGET, holder="a", want=1, at_least=1).granted == 0


def test_a_total_budget_never_resets(leases: LeaseStore, clock: ManualClock) -> None:
    total = BudgetLimit("t", NanoUSD(10), Window.TOTAL)
    assert leases.take_budget(total, holder="a", want=10, at_least=1).resets_at_ns is None
    clock.advance(400 * 86_400)
    assert leases.take_budget(total, holder="a", want=10, at_least=1).granted == 0


def test_a_rate_is_given_out_once_a_window(leases: LeaseStore, clock: ManualClock) -> None:
    assert leases.take_rate("k", 60, holder="a", want=40).granted == 40
    grant = leases.take_rate("k", 60, holder="b", want=40)
    assert grant.granted == 20
    leases.return_rate("k", grant.window_start_ns, holder="b", amount=5)
    assert leases.take_rate("k", 60, holder="a", want=40).granted == 5
    clock.advance(60)
    leases.return_rate("k", grant.window_start_ns, holder="b", amount=15)
    assert leases.take_rate("k", 60, holder="a", want=100).granted == 60
    assert leases.take_rate("other", 60, holder="a", want=1).granted == 1


def test_slots_come_back_by_hand_or_with_the_holder(leases: LeaseStore) -> None:
    assert leases.take_slots("k", 4, holder="a", want=3).granted == 3
    assert leases.take_slots("k", 4, holder="b", want=3).granted == 1
    leases.return_slots("k", holder="a", amount=1)
    assert leases.take_slots("k", 4, holder="b", want=3).granted == 1
    leases.take_budget(BUDGET, holder="a", want=1_000, at_least=1)
    leases.release_holder("a")
    leases.release_holder("a")
    assert leases.take_slots("k", 4, holder="b", want=9).granted == 2
    assert leases.take_budget(BUDGET, holder="b", want=1, at_least=1).granted == 0


def test_without_a_clock_the_store_has_its_own(engine: Engine) -> None:
    grant = LeaseStore(engine).take_rate("k", 60, holder="a", want=1)
    assert grant.window_start_ns > NOV_14_NS
    assert grant.window_start_ns % 60_000_000_000 == 0
