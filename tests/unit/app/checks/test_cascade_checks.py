"""What is wrong with a route's cascade is said at the start, by its place."""

import msgspec
import pytest

from legato.app.checks.cascade_checks import problems_of_cascade
from legato.core.config import Route

NAMED = ("small", "large", "other", "chat")


def found(**changes: object) -> list[tuple[str, ...]]:
    route = {
        "alias": "chat",
        "deployments": ["small", "large"],
        "strategy": "cascade",
        "cascade": {"steps": ["small", "large"], "check": {"matches": "x"}},
        **changes,
    }
    problems = problems_of_cascade(msgspec.convert(route, Route), NAMED)
    return [tuple(map(str, at)) for at, _, _ in problems]


def steps(*names: str, **check: object) -> dict[str, object]:
    return {"cascade": {"steps": list(names), "check": check or {"matches": "x"}}}


def test_one_that_is_right_has_no_problems() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"strategy": "ordered"}, ("cascade",)),
        ({"cascade": None}, ("cascade",)),
        (steps("small", "other"), ("cascade", "steps", "1")),
        (steps("small", "small"), ("cascade", "steps", "1")),
        (steps("small", "large", judge="nobody"), ("cascade", "check", "judge")),
        (steps("small", "large", judge="chat"), ("cascade", "check", "judge")),
        (steps("small", "large", matches="("), ("cascade", "check")),
        (steps("small", "large", format=False), ("cascade", "check")),
        ({"hedge": {"after_s": 1}}, ("hedge",)),
        ({"baseline": "small", "quality": {"guarantee": {}}}, ("baseline",)),
    ],
)
def test_each_problem_is_named_by_its_place(
    changes: dict[str, object], place: tuple[str, ...]
) -> None:
    assert found(**changes) == [place]
