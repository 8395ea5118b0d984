from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.economics.finance.entries import (
    Benefit,
    BenefitSaid,
    EntrySaid,
    LabourSaid,
    RevenueSaid,
    entry_of,
    named_by_content,
)


def no_rate(currency: str, period: str) -> tuple[str, str]:
    raise InvalidRequest(f"{currency} {period}", param="usd_rate")


def labour(**said: str) -> LabourSaid:
    whole = {"period": "2026-08", "role": "agent", "hours": "1", "usd_per_hour": "50", **said}
    return LabourSaid(**whole)  # type: ignore[arg-type]


def revenue(**said: str) -> RevenueSaid:
    return RevenueSaid(**{"period": "2026-08", "amount": "100", **said})


@given(
    st.decimals(0, 10_000, places=3),
    st.decimals(0, 500, places=2),
)
def test_labour_costs_hours_times_the_rate(hours: Decimal, rate: Decimal) -> None:
    entry = entry_of(labour(hours=str(hours), usd_per_hour=str(rate)), no_rate)
    assert entry.usd == hours * rate * 10**9
    assert entry.details["hours_milli"] == hours * 1000


def test_revenue_in_another_currency_takes_a_rate_with_its_source() -> None:
    entry = entry_of(revenue(currency="EUR"), lambda _c, _p: ("1.08", "fx.eur v2: ECB"))
    assert entry.usd == 108 * 10**9
    assert entry.details["rate_source"] == "fx.eur v2: ECB"
    said = entry_of(revenue(currency="EUR", usd_rate="1.1"), no_rate)
    assert said.usd == 110 * 10**9
    assert entry_of(revenue(amount="-3.5"), no_rate).usd == -35 * 10**8


def test_a_rate_is_rounded_half_even_once() -> None:
    assert entry_of(revenue(amount="0.000000001", currency="EUR", usd_rate="2.5"), no_rate).usd == 2
    assert entry_of(revenue(amount="0.000000001", currency="EUR", usd_rate="3.5"), no_rate).usd == 4


def test_a_benefit_is_quantity_times_worth() -> None:
    said = BenefitSaid(
        period="2026-08", kind=Benefit.TICKETS_AVOIDED, quantity="420", usd_each="6.5"
    )
    assert entry_of(said, no_rate).usd == 2730 * 10**9


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (labour(period="2026-13"), "period"),
        (labour(period="August"), "period"),
        (labour(feature="bot"), "team"),
        (labour(role=""), "role"),
        (labour(hours="-1"), "hours"),
        (labour(hours="0.0001"), "hours"),
        (labour(usd_per_hour="1e999999"), "usd_per_hour"),
        (labour(hours="9999999", usd_per_hour="9999999"), "hours"),
        (revenue(currency="euro"), "currency"),
        (revenue(currency="EUR"), "usd_rate"),
        (revenue(currency="EUR", usd_rate="0"), "usd_rate"),
        (revenue(usd_rate="2"), "usd_rate"),
        (revenue(amount="9999999999"), "amount"),
    ],
)
def test_a_refusal_names_the_field(said: EntrySaid, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        entry_of(said, no_rate)
    assert refused.value.param == field


def test_a_file_counts_once_and_the_same_line_twice_in_it_is_two_rows() -> None:
    entries = [entry_of(labour(), no_rate), entry_of(labour(hours="2"), no_rate)]
    twice = named_by_content([*entries, entries[0]])
    assert len({one.external_id for one in twice}) == 3
    assert named_by_content([*entries, entries[0]]) == twice
    own = entry_of(labour(external_id="sheet-1"), no_rate)
    assert named_by_content([own]) == [own]
