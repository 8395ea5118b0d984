from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from legato.core.measures import Measures
from legato.core.money import NanoUSD, PicoUSD
from legato.core.price import Price
from legato.core.records import EntryKind
from legato.core.usage import Usage
from legato.economics.cost import priced
from legato.economics.waterfall import (
    NO_STEPS,
    Prices,
    Steps,
    bars,
    plain_steps,
    steps_of,
    waterfall,
)

DEAR = Price("d", PicoUSD(2_500_000), PicoUSD(250_000), out_text=PicoUSD(10_000_000))
CHEAP = Price("c", PicoUSD(100_000), PicoUSD(10_000), out_text=PicoUSD(400_000))
HALF = replace(CHEAP, in_uncached=PicoUSD(50_000), cache_read=PicoUSD(5_000),
               out_text=PicoUSD(200_000))  # fmt: skip
BOTH = Measures(prompt_cache=True, removed_tokens=500)


def test_routing_is_the_difference_of_two_prices() -> None:
    found = waterfall(Usage(1_000, out_text=100), Prices(DEAR, CHEAP, CHEAP))
    assert found == Steps(routing=3_500_000 - 140_000)


def test_each_measure_has_its_own_step_in_the_fixed_order() -> None:
    usage = Usage(in_uncached=200, cache_read=800, out_text=100)
    found = waterfall(usage, Prices(DEAR, CHEAP, HALF), BOTH)
    # 1,500 in at the baseline, 1,000 of them left, at the cheap one, 800 from its cache, at half
    assert found == Steps(
        cache=0,
        shortening=500 * 2_500,
        routing=(1_000 * 2_500 + 100 * 10_000) - (1_000 * 100 + 100 * 400),
        prompt_cache=800 * (100 - 10),
        tier=(200 * 100 + 800 * 10 + 100 * 400) // 2,
        overhead=0,
    )


def test_measures_at_the_baseline_itself_are_no_routing() -> None:
    found = waterfall(Usage(200, 800), Prices(DEAR, DEAR, DEAR), BOTH)
    assert found == Steps(shortening=500 * 2_500, prompt_cache=800 * 2_250)


def test_a_step_that_costs_is_negative() -> None:
    assert waterfall(Usage(100), Prices(CHEAP, DEAR, DEAR)).routing == -100 * 2_400


def test_the_hours_of_our_own_machine_are_overhead() -> None:
    local = Price("l", machine_hour=NanoUSD(3_600_000_000))
    found = waterfall(Usage(100), Prices(CHEAP, local, local), duration_us=2_000_000)
    assert found == Steps(routing=10_000, overhead=-2_000_000)


def test_a_machine_that_is_the_baseline_is_no_overhead() -> None:
    local = Price("l", PicoUSD(1_000), machine_hour=NanoUSD(3_600_000_000))
    found = waterfall(Usage(100), Prices(local, local, local), Measures(removed_tokens=50),
                      duration_us=2_000_000)  # fmt: skip
    assert found == Steps(shortening=50)


def test_without_a_price_for_what_was_used_there_are_no_steps() -> None:
    assert waterfall(Usage(units=3), Prices(DEAR, CHEAP, CHEAP), unit="image") == NO_STEPS


@pytest.mark.parametrize(
    ("kind", "step"),
    [("usage", "routing"), ("cache", "cache"), ("retry", "overhead"), ("hedge", "overhead"),
     ("judge", "overhead"), ("shadow", "overhead"), ("overhead", "overhead")],
)  # fmt: skip
def test_what_names_no_steps_has_one_by_its_kind(kind: str, step: str) -> None:
    assert plain_steps(kind, 30, 100) == Steps(**{step: 70})
    assert plain_steps(kind, None, 100) == NO_STEPS
    assert plain_steps(kind, 30, None) == NO_STEPS


def test_named_steps_that_do_not_add_up_are_not_believed() -> None:
    assert steps_of("usage", 30, 100, (0, 30, 40, 0, 0, 0)) == Steps(shortening=30, routing=40)
    assert steps_of("usage", 30, 100, (0, 30, 41, 0, 0, 0)) == Steps(routing=70)
    assert steps_of("usage", 30, 100, (70,)) == Steps(routing=70)


def test_all_steps_come_to_baseline_minus_cost_in_any_case() -> None:
    """100,000 cases, to the nano-dollar."""
    random = Random(8)
    units = ("", "image")
    for _ in range(100_000):
        prices = Prices(*(_price(random) for _ in range(3)))
        if random.random() < 0.2:
            prices = Prices(prices.listed, prices.listed, prices.listed)
        usage = Usage(*(random.randrange(100_000) * random.randrange(2) for _ in range(10)),
                      random.randrange(9) * random.randrange(2))  # fmt: skip
        done = Measures(random.random() < 0.5, random.randrange(2) * random.randrange(50_000))
        unit, took_us = random.choice(units), random.randrange(60_000_000)
        found = waterfall(usage, prices, done, unit=unit, duration_us=took_us)
        baseline = priced(done.without(usage), prices.baseline, took_us, unit)
        cost = priced(usage, prices.charged, took_us, unit)
        if baseline is None or cost is None:
            assert found == NO_STEPS
        else:
            assert sum(found) == baseline - cost
            assert steps_of(EntryKind.USAGE, cost, baseline, found) == found


def _price(random: Random) -> Price:
    classes = [PicoUSD(random.randrange(20_000_000)) for _ in range(10)]
    hour = NanoUSD(random.randrange(2) * random.randrange(10**10))
    price = Price("x", *classes, machine_hour=hour, slots=random.randrange(1, 9))
    if random.random() < 0.3:
        return replace(price, unit="image", units=PicoUSD(random.randrange(10**11)))
    return price


@given(st.integers(0, 10**12), st.tuples(*[st.integers(-(10**12), 10**12)] * 6))
def test_bars_go_from_the_baseline_to_the_cost(cost: int, saved: tuple[int, ...]) -> None:
    (first, baseline), *steps, last = bars(cost, saved)
    assert (first, last) == ("baseline", ("cost", cost))
    assert baseline + sum(amount for _, amount in steps) == cost
    assert dict(steps) == {name: -one for name, one in Steps(*saved)._asdict().items()}
