from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from legato.economics.world_before import Levers, ModelCost, Shares, Tag, monthly, would_change

DAY_NS = 86_400 * 10**9


def shares(low: str, point: str, high: str) -> Shares:
    return Shares(Decimal(low), Decimal(point), Decimal(high), Tag.ASSUMED, "test")


amounts = st.integers(0, 10**15)
models = st.builds(
    ModelCost,
    name=st.just("m"),
    cost=amounts,
    elsewhere=st.none() | amounts,
    cached_prefix=st.none() | amounts,
    batch=st.none() | amounts,
)
parts = st.lists(st.decimals(0, 1, places=6), min_size=3, max_size=3).map(
    lambda found: Shares(*sorted(found), Tag.ASSUMED, "test")
)
levers = st.builds(
    Levers,
    repeats=st.none() | parts,
    near=st.none() | parts,
    routing=st.none() | parts,
    prompt_cache=st.none() | parts,
    batch=st.none() | parts,
)


@given(st.lists(models, max_size=6), levers)
def test_steps_and_remainder_sum_to_what_was_before(
    given_models: list[ModelCost], given_levers: Levers
) -> None:
    found = would_change(given_models, given_levers)
    for column in range(3):
        saved = sum(step.saving[column] for step in found.steps)
        assert saved + found.after[column] == found.before == sum(m.cost for m in given_models)
        assert found.after[column] >= 0
    assert list(found.after) == sorted(found.after, reverse=True) or found.steps


def test_each_step_is_over_what_the_ones_before_left() -> None:
    model = ModelCost(name="m", cost=1000, elsewhere=100, batch=500)
    found = would_change(
        [model],
        Levers(repeats=shares("0", "0.2", "0.5"), routing=shares("0.5", "0.5", "1"),
               batch=shares("0", "0", "1")),
    )  # fmt: skip
    assert [step.saving for step in found.steps] == [(0, 200, 500), (450, 360, 450), (0, 0, 25)]
    assert found.after == (550, 440, 25)


def test_what_has_no_price_or_is_dearer_is_left_as_it_is() -> None:
    dear = ModelCost(name="a", cost=100, elsewhere=200)
    unknown = ModelCost(name="b", cost=100)
    found = would_change([dear, unknown], Levers(routing=shares("1", "1", "1")))
    assert found.after == (200, 200, 200)


def test_a_month_is_a_twelfth_of_a_year() -> None:
    assert monthly(365_250, 0, 365_250 * DAY_NS // 1000) == round(365_250 / 12)
    assert monthly(10, 0, DAY_NS) == 304
