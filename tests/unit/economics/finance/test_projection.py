import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.economics.finance.projection import (
    Base,
    Driver,
    Terms,
    Tier,
    first_stop,
    new_exponent,
    volume_at,
    wrong_in,
)

USD = 10**9


def terms(**changes: object) -> Terms:
    given = {
        "peak_factor": Decimal(4),
        "margin_floor": Decimal("0.5"),
        "revenue_per_request": None,
        "utilisation": Decimal("0.5"),
        "machine_hours_month": Decimal(730),
        "machines_max": None,
    }
    return Terms(**(given | changes))  # type: ignore[arg-type]


def base(*drivers: Driver, **more: object) -> Base:
    return Base(**{"requests": 10_000, "drivers": list(drivers), **more})  # type: ignore[arg-type]


def api(**more: object) -> Driver:
    return Driver(**{"deployment": "api", "requests": 10_000, "usd": "100", **more})  # type: ignore[arg-type]


def test_without_tiers_and_cache_cost_goes_with_volume() -> None:
    for factor in (1, 10, 100):
        found = volume_at(base(api()), factor, terms())
        assert (found.cost_nano, found.requests) == (100 * factor * USD, 10_000 * factor)
        assert found.cost_per_request_nano == 10_000_000
        assert found.limits == []


def test_a_tier_cuts_and_a_commitment_holds_up() -> None:
    tiers = [
        Tier(from_usd_month="500", discount="0.1"),
        Tier(from_usd_month="5000", discount="0.3"),
    ]
    driver = api(tiers=tiers, commitment_usd_month="400")
    found = [volume_at(base(driver), factor, terms()).cost_nano // USD for factor in (1, 4, 5, 50)]
    assert found == [400, 400, 450, 3500]


def test_a_local_model_costs_whole_machines() -> None:
    # $36.50 of time at $0.10 an hour: 365 hours, which is all of a machine used half the time
    local = Driver(deployment="own", requests=10_000, usd="36.5", machine_hour_usd="0.10")
    one, two = (volume_at(base(local), factor, terms()) for factor in (1, 2))
    assert (one.drivers[0].machines, one.cost_nano) == (1, 73 * USD)
    assert (two.drivers[0].machines, two.cost_nano) == (2, 146 * USD)
    stop = first_stop(base(local), 100, terms(machines_max=3))
    assert stop is not None
    assert (stop.factor, stop.limits) == (4, ["4 machines, of machine.count_max 3"])


def test_it_stops_where_a_providers_limit_is_met_and_says_which() -> None:
    # 10,000 a month are .228 a minute, .913 at the peak
    limited = api(requests_per_minute=60, tokens=1_000_000, tokens_per_minute=50_000)
    stop = first_stop(base(limited), 100, terms())
    assert stop is not None
    assert stop.factor == math.floor(60 / (10_000 * 4 / 43_800)) + 1 == 66
    assert stop.limits == ["api takes 60 requests a minute; its peak is 60.3"]


def test_it_stops_where_the_margin_falls_below_its_floor() -> None:
    assert first_stop(base(api()), 100, terms(revenue_per_request=Decimal("0.03"))) is None
    stop = first_stop(base(api()), 100, terms(revenue_per_request=Decimal("0.015")))
    assert stop is not None
    assert (stop.factor, stop.margin) == (1, "0.3333")
    assert "margin.floor" in stop.limits[0]


@given(st.integers(1, 100), st.decimals(0, 1, places=2), st.integers(0, 9_000))
def test_more_volume_never_costs_less_and_the_cache_never_answers_all(
    factor: int, exponent: Decimal, cached: int
) -> None:
    driver = api(requests=10_000 - cached)
    small, large = (
        volume_at(base(driver, cached=cached, new_exponent=str(exponent)), one, terms())
        for one in (factor, factor + 1)
    )
    assert small.cost_nano <= large.cost_nano <= small.cost_nano * (factor + 1) // factor + 1
    assert Decimal(small.cached_share) <= Decimal(large.cached_share) < 1


def test_heaps_exponent_is_found_again() -> None:
    days = [(n, round(5 * n**0.7)) for n in (100, 200, 400, 900, 1500, 3000)]
    found, told = new_exponent(days)
    assert found == pytest.approx(0.7, abs=0.01)
    assert "6 days" in told
    assert new_exponent(days[:4])[0] is None
    assert new_exponent([(1000, 500)] * 9)[0] is None
    assert new_exponent([(n, n * n // 100) for n in (100, 200, 300, 400, 500)])[0] == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        api(usd="much"),
        api(usd="-1"),
        api(usd="1e99"),
        api(requests=-1),
        api(tiers=[Tier(from_usd_month="5", discount="1.5")]),
        api(machine_hour_usd="NaN"),
    ],
)
def test_drivers_that_make_no_sense_are_named(wrong: Driver) -> None:
    assert wrong_in(base(wrong)).startswith("drivers.api.")


def test_a_month_that_makes_no_sense_is_named() -> None:
    assert wrong_in(base(api())) == ""
    assert wrong_in(base(api(), cached=10_001)).startswith("base.requests")
    assert wrong_in(base(api(), new_exponent="zz")).startswith("base.new_exponent")
    assert wrong_in(base(api(), api())).startswith("base.drivers")
