from __future__ import annotations

import pytest

from legato.core.budget import Budget, Measure, Period
from legato.core.budget_spec import check
from legato.core.errors import InvalidRequest


def budget(**changes: object) -> Budget:
    fixed = {"id": "b", "name": "n", "org": "o", "measure": Measure.REQUESTS, "limit": 4}
    return Budget(**{**fixed, "period": Period.DAY, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["user", "deployment"])
def test_what_is_not_known_when_shares_are_asked_for_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"share_by: {name} can't be shared by"):
        check(budget(measure=Measure.USD, share_by=name, weights={"a": 1}))
    check(budget(share_by="team", weights={"a": 1, "b": 3}))


def test_a_counters_name_is_bounded_whatever_callers_send() -> None:
    counted = budget(each=("model",))
    long, other = ("m" * 100_000, "m" * 99_999)
    names = {counted.counter({"model": model}).id for model in (long, other, "small", "m/ü")}
    assert len(names) == 4
    assert max(map(len, names)) < 500
    assert any(name.endswith("/model=small") for name in names)
