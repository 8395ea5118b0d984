"""The parts of a change come to it exactly, and name what changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.economics.anomalies.explaining import FACTORS, OfModel, Usage, explain, moved_most

MODELS = st.builds(
    OfModel,
    attempts=st.integers(0, 10**6),
    tokens=st.integers(0, 10**10),
    cost=st.integers(0, 10**15),
)
USAGES = st.builds(
    Usage,
    requests=st.integers(0, 10**6),
    cached=st.integers(0, 10**6),
    models=st.dictionaries(st.sampled_from(["a", "b", "c"]), MODELS),
)


@given(USAGES, USAGES)
def test_the_parts_come_to_the_change(before: Usage, after: Usage) -> None:
    parts = explain(before, after)
    assert tuple(parts) == FACTORS
    assert sum(parts.values()) == after.cost - before.cost


TWICE = OfModel(attempts=1_600, tokens=160_000, cost=1_600_000)
BEFORE = Usage(
    requests=1_000, cached=200, models={"small": OfModel(attempts=800, tokens=80_000, cost=800_000)}
)


@pytest.mark.parametrize(
    ("after", "factor"),
    [
        (Usage(requests=2_000, cached=400,
               models={"small": TWICE}), "volume"),
        (Usage(requests=1_000, cached=0,
               models={"small": OfModel(attempts=1_000, tokens=100_000, cost=1_000_000)}), "cache"),
        (Usage(requests=1_000, cached=200,
               models={"small": TWICE}), "retries"),
        (Usage(requests=1_000, cached=200,
               models={"large": OfModel(attempts=800, tokens=80_000, cost=8_000_000)}), "mix"),
        (Usage(requests=1_000, cached=200,
               models={"small": OfModel(attempts=800, tokens=160_000, cost=1_600_000)}), "tokens"),
        (Usage(requests=1_000, cached=200,
               models={"small": OfModel(attempts=800, tokens=80_000, cost=1_600_000)}), "price"),
    ],
)  # fmt: skip
def test_what_alone_changed_brought_all_of_it(after: Usage, factor: str) -> None:
    parts = explain(BEFORE, after)
    assert parts.pop(factor) == after.cost - BEFORE.cost
    assert set(parts.values()) == {0}


def test_the_model_that_moved_most() -> None:
    after = Usage(requests=1, cached=0, models={"large": OfModel(attempts=1, tokens=1, cost=5)})
    assert moved_most(BEFORE, after) == "small"
    assert moved_most(after, after) == "large"
    nothing = Usage(requests=0, cached=0, models={})
    assert moved_most(nothing, nothing) == ""
