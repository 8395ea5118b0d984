import math
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from legato.economics.finance.owning import Machine, Mix, Speed, curve, owned, tuned

USD = 10**9


def machine(**changes: object) -> Machine:
    given = {
        "hour_usd": Decimal(1),
        "hours_month": Decimal(730),
        "utilisation": Decimal("0.5"),
        "fixed_usd_month": Decimal(0),
        "count_max": None,
    }
    return Machine(**(given | changes))  # type: ignore[arg-type]


def test_worked_by_hand() -> None:
    # half of 730 hours at 100 tokens/s each way: 131.4 million tokens for $730
    found = owned(Mix(1, 1), Speed(Decimal(100), Decimal(100)), 10 * USD, machine())
    assert found.tokens_per_machine == 131_400_000
    assert found.own_per_mtok_full == round(Fraction(730 * USD * 1_000_000, 131_400_000))
    assert (found.break_even_tokens, found.machines) == (73_000_000, 1)
    cheap = owned(Mix(1, 1), Speed(Decimal(100), Decimal(100)), 5 * USD, machine())
    assert cheap.break_even_tokens is None
    assert cheap.told.startswith("never")


@given(
    st.tuples(st.integers(1, 100), st.integers(1, 100)),
    st.integers(1, 2_000),
    st.integers(1, 60),
    st.integers(0, 5_000),
)
def test_it_is_the_first_number_of_machines_that_pays(
    mix: tuple[int, int], speed: int, price: int, fixed: int
) -> None:
    read, written = mix
    terms = machine(fixed_usd_month=Decimal(fixed))
    rate = Speed(Decimal(speed * 4), Decimal(speed))
    found = owned(Mix(*mix), rate, price * USD, terms)
    seconds = (Fraction(read, speed * 4) + Fraction(written, speed)) / (read + written)
    carried = Fraction(730 * 3600, 2) / seconds
    for machines in range(1, 200):
        tokens = Fraction((fixed + 730 * machines) * 1_000_000, price)
        if tokens <= machines * carried:
            assert found.machines == machines
            assert found.break_even_tokens == math.ceil(tokens)
            break
    else:
        assert found.machines is None or found.machines >= 200


def test_too_few_machines_say_so() -> None:
    terms = machine(fixed_usd_month=Decimal(5000), count_max=2)
    found = owned(Mix(1, 1), Speed(Decimal(100), Decimal(100)), 10 * USD, terms)
    assert found.break_even_tokens is None
    assert "machine.count_max 2: it takes 9" in found.told


def test_the_curve_crosses_at_the_break_even_and_names_today() -> None:
    found = owned(Mix(1, 1), Speed(Decimal(100), Decimal(100)), 10 * USD, machine())
    points = curve(found, 10 * USD, 5_000_000)
    assert 5_000_000 in [one.tokens for one in points]
    for one in points:
        assert (one.own_nano <= one.api_nano) == (one.tokens >= 73_000_000)
        assert one.machines == math.ceil(one.tokens / 131_400_000)


def test_training_comes_back_in_requests_and_months() -> None:
    found = tuned(1000 * USD, 10 * USD, 1_000_000_000, 110_000)  # a thousandth of a dollar each
    assert (found.requests, found.month) == (1_000_000, 10)
    assert "never" in tuned(1000 * USD, 0, 0, 1000).told
    slow = tuned(1000 * USD, 200 * USD, 1_000_000_000, 110_000)
    assert (slow.requests, slow.month) == (1_000_000, None)
    assert "upkeep" in slow.told
