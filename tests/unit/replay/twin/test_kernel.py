from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legato.core.config import Breaker, Retry, Strategy
from legato.core.errors import LegatoError
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.gateway.breakers import BreakerBoard, Breakers
from legato.gateway.context import Call
from legato.gateway.directory import Deployment, Route
from legato.gateway.stages.call import CallStage
from legato.replay.twin.fates import ERRORS
from legato.replay.twin.kernel import Outcome, simulate
from legato.replay.twin.prices import Prices
from legato.replay.twin.traffic import Request
from legato.replay.twin.world import Failures, KeyRules, Outage
from legato.routing.strategies import ORDERS, Candidate
from twin_worlds import COST, NOON_NS, PRICE, USAGE, attempt, place, requests, world

if TYPE_CHECKING:
    from pathlib import Path

QUICK = Retry(attempts_max=3, backoff_base_s=1e-6)
RULES = Breaker(failures=3, open_s=1e9)
NEVER_OPENS = Breaker(failures=62, failure_share=1)
NAMES = ("d0", "d1", "d2")
CODES = [
    "ok", "ok", "ok", "provider_unavailable", "provider_timeout", "provider_rate_limited",
    "provider_rejected", "provider_refuses_credentials", "connections_exhausted",
]  # fmt: skip


class Script:
    """An exchange whose attempts end as they are written down; it notes who was asked."""

    def __init__(self, scripts: list[dict[str, list[str]]]) -> None:
        self.scripts = scripts
        self.asked: list[list[str]] = [[] for _ in scripts]
        self.request = 0

    async def __call__(self, call: Call, sink: Any, deployment: Deployment) -> str:
        asked = self.asked[self.request]
        code = self.scripts[self.request][deployment.name][asked.count(deployment.name)]
        asked.append(deployment.name)
        if code != "ok":
            raise type(ERRORS[code])(code)
        return "answer"


async def really(
    scripts: list[dict[str, list[str]]], folder: Path
) -> tuple[list[tuple[str, int]], list[int]]:
    """What the gateway's own stage makes of the scripts: codes and attempts, breakers."""
    unused: Any = None
    exchange: Any = Script(scripts)
    breakers = Breakers(BreakerBoard(NAMES, folder / "lock"), RULES, lambda: 0.0)
    stage = CallStage(exchange, breakers, lambda: 0.5)
    deployments = [
        Deployment(name, "p", "m", "", unused, unused, None, 1, Candidate(name, 1, None), cell)
        for cell, name in enumerate(NAMES)
    ]
    route = Route(
        "chat", "chat", deployments, ORDERS[Strategy.ORDERED], deployments[0], QUICK,
        60.0, 0.0, drop_unsupported=False, model_name="upstream", fingerprint="",
    )  # fmt: skip
    ends = []
    for number in range(len(scripts)):
        exchange.request = number
        call = Call(str(number), unused, unused, 0)
        call.route, call.candidates = route, deployments
        sink: Any = type("Sink", (), {"began": False})()
        code = ""
        try:
            await stage(call, sink)
        except LegatoError as error:
            code = error.code
        ends.append((code, len(exchange.asked[number])))
    return ends, [int(breakers.state(cell)) for cell in range(len(NAMES))]


_outcomes = st.lists(st.sampled_from(CODES), min_size=3, max_size=3)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, _outcomes)), max_size=12))
def test_it_decides_as_the_gateway_does(
    tmp_path: Path, scripts: list[dict[str, list[str]]]
) -> None:
    ends, _ = asyncio.run(really(scripts, tmp_path))
    traffic = [
        Request(
            at_us=number * 1_000_000,
            name="chat",
            usage=USAGE,
            attempts=tuple(
                attempt(name, code, total_us=0) for name, codes in script.items() for code in codes
            ),
        )
        for number, script in enumerate(scripts)
    ]
    twin = world(*map(place, NAMES), retry=QUICK, breaker=RULES)
    run = simulate(
        twin,
        traffic,
        seed=1,
    )
    assert [(one.error_code, one.attempts) for one in run.outcomes] == ends


def test_an_answer_costs_and_takes_what_it_should() -> None:
    run = simulate(world(place("a")), requests(3, overhead_us=500), seed=1)
    assert [one.cost for one in run.outcomes] == [COST] * 3
    assert {one.latency_us for one in run.outcomes} == {200_500}
    assert {one.deployment for one in run.outcomes} == {"a"}


def test_a_run_is_the_same_bit_for_bit() -> None:
    flaky = place("a", failures=Failures(0.3, (("provider_unavailable", 10),)))
    twin = world(flaky, place("b"), strategy=Strategy.WEIGHTED)
    traffic = requests(300, every_us=10_000)
    first, again, other = (simulate(twin, traffic, seed).outcomes for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_the_price_is_the_one_stamped_unless_the_world_has_another() -> None:
    dear = PRICE.__class__(version="v0", in_uncached=PRICE.out_text, out_text=PRICE.out_text)
    recorded = requests(1, attempts=(attempt("a", price_version="v0"),))
    then = world(place("a", prices=Prices(PRICE, {"v0": dear})))
    assert simulate(then, recorded, 1).outcomes[0].cost == 110 * 8_000
    changed = world(place("a", prices=Prices(PRICE)))
    assert simulate(changed, recorded, 1).outcomes[0].cost == COST


def test_an_outage_falls_back_until_the_breaker_is_open_and_a_probe_closes_it() -> None:
    down = Outage(5_000_000, 40_000_000, after_us=1_000)
    twin = world(place("a", outages=(down,)), place("b"), breaker=Breaker(failures=4, open_s=15))
    run = simulate(twin, requests(80, every_us=1_000_000), seed=3)
    assert all(not one.error_code for one in run.outcomes)
    served = "".join(one.deployment for one in run.outcomes)
    assert served.startswith("aaaaab")
    assert served.endswith("a" * 20)
    asked = [one.attempts for one in run.outcomes]
    assert sum(asked) < 80 + 10  # the breaker spared most of them the dead deployment
    assert all(one.fell_back == (one.deployment == "b") for one in run.outcomes)


def test_a_timeout_costs_the_upper_estimate() -> None:
    down = Outage(0, 10, kind="timeout")
    twin = world(place("a", outages=(down,), first_byte_us=2_000_000), retry=Retry(attempts_max=1))
    outcome = simulate(twin, requests(1), seed=1).outcomes[0]
    assert outcome == Outcome(
        "all_attempts_failed", 100 * 2_000 + 100 * 8_000, latency_us=2_000_000, attempts=1
    )


def test_slots_make_callers_wait_in_line() -> None:
    twin = world(place("a", slots=1))
    run = simulate(twin, requests(4, every_us=0), seed=1)
    assert [one.latency_us for one in run.outcomes] == [200_000, 400_000, 600_000, 800_000]


def test_who_waits_too_long_for_a_slot_gives_up_and_frees_nothing() -> None:
    twin = world(place("a", slots=1, first_byte_us=350_000), retry=Retry(attempts_max=1))
    run = simulate(twin, requests(4, every_us=0), seed=1)
    assert [one.error_code for one in run.outcomes] == [
        "", "", "all_attempts_failed", "all_attempts_failed",
    ]  # fmt: skip
    assert run.outcomes[1].latency_us == 400_000
    assert run.outcomes[2].latency_us == 350_000


def test_the_deadline_over_all_attempts_ends_a_request() -> None:
    twin = world(place("a"), deadline_us=150_000)
    outcome = simulate(twin, requests(1), seed=1).outcomes[0]
    assert (outcome.error_code, outcome.latency_us) == ("provider_timeout", 150_000)
    assert 100 * 2_000 < outcome.cost < COST


def test_a_rate_is_refused_until_the_minute_is_over() -> None:
    twin = world(place("a"), keys={"k": KeyRules("mine", requests_per_minute=2)})
    run = simulate(twin, requests(8, every_us=10_000_000), seed=1)
    refused = [one.error_code == "rate_limit_exceeded" for one in run.outcomes]
    assert refused == [False, False, True, True, True, True, False, False]


def test_concurrency_is_bounded() -> None:
    twin = world(place("a"), keys={"k": KeyRules("mine", concurrency_max=1)})
    run = simulate(twin, requests(4, every_us=100_000), seed=1)
    assert [bool(one.error_code) for one in run.outcomes] == [False, True, False, True]


def test_a_budget_never_spends_more_than_its_limit_and_says_when_it_had_no_room() -> None:
    limit = NanoUSD(5_000_000)
    budget = BudgetLimit("k", limit, Window.DAY)
    twin = world(place("a"), keys={"k": KeyRules("mine", budget=budget, spent=1_000_000)})
    run = simulate(twin, requests(100), seed=1)
    assert sum(one.cost for one in run.outcomes) + 1_000_000 <= limit
    assert {one.error_code for one in run.outcomes} == {"", "budget_exceeded"}
    (breach,) = run.breaches
    first = next(n for n, one in enumerate(run.outcomes) if one.error_code)
    assert breach.at_ns == NOON_NS + first * 1_000_000_000
    assert breach.settled + breach.held + breach.asked > breach.limit == limit


def test_a_budget_begins_anew_with_its_window() -> None:
    budget = BudgetLimit("k", NanoUSD(2_000_000), Window.DAY)
    twin = world(place("a"), keys={"k": KeyRules("mine", budget=budget)})
    run = simulate(twin, requests(20, every_us=3_600_000_000), seed=1)
    midnight = 12
    assert run.outcomes[midnight - 1].error_code == "budget_exceeded"
    assert not run.outcomes[midnight].error_code


def test_a_repeat_is_answered_from_the_cache_only_where_it_is_known_to_be_one() -> None:
    traffic = requests(4, every_us=400_000, prompt=5)
    traffic = [*traffic, *requests(1, prompt=6)]
    cached = world(place("a"), cache_ttl_s={"chat": 1.0})
    run = simulate(cached, sorted(traffic, key=lambda one: one.at_us), seed=1)
    assert [one.from_cache for one in run.outcomes] == [False, False, True, True, False]
    assert sum(one.cost for one in run.outcomes) == 3 * COST
    without = simulate(world(place("a")), traffic, seed=1)
    assert not any(one.from_cache for one in without.outcomes)


def test_what_the_cache_answered_is_called_for_where_there_is_none() -> None:
    hits = requests(2, from_cache=True)
    assert [o.cost for o in simulate(world(place("a")), hits, 1).outcomes] == [0, 0]
    off = simulate(world(place("a"), recorded_hits=False), hits, 1).outcomes
    assert [one.cost for one in off] == [COST] * 2


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_failures_come_as_often_as_they_did(share: float) -> None:
    flaky = place("a", failures=Failures(share, (("provider_unavailable", 10),)))
    twin = world(flaky, retry=Retry(attempts_max=1), breaker=NEVER_OPENS)
    outcomes = simulate(twin, requests(4_000), seed=5).outcomes
    failed = sum(bool(one.error_code) for one in outcomes) / len(outcomes)
    assert failed == pytest.approx(share, abs=0.03)
