"""What happened, in words: names and figures, nobody's pseudonym."""

from itertools import count

import pytest
from msgspec.structs import replace

from legato.core.budget import Budget, BudgetEvent, Measure, Period
from legato.core.notification import KINDS, Notification, Severity
from legato.notify.telling import Words
from legato.storage.audit.exports import ExportState
from legato.storage.notifications.traces import (
    CutOff,
    Damaged,
    Drifted,
    Expiring,
    OfBudget,
    Place,
    RolledBack,
)

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
NOW_NS = 20_000 * DAY_NS
BUDGET = Budget(
    id="b1", name="monthly", org="acme", measure=Measure.USD, limit=5_000_000_000,
    period=Period.DAY, where={"team": "search"}, each=("user",),
)  # fmt: skip


def words(end_ns: int | None = NOW_NS + DAY_NS) -> Words:
    numbers = count()
    return Words(lambda: f"{next(numbers):032x}", lambda _span, _at: end_ns)


def event(limit_id: str = "budget:b1/user=u-123", what: str = "warn") -> BudgetEvent:
    return BudgetEvent(
        "acme", "b1" if limit_id.startswith("budget") else "", limit_id, NOW_NS, what, 80,
        NOW_NS + 5, 4_000_000_000, 5_000_000_000, "monthly",
    )  # fmt: skip


def test_a_step_and_the_end_of_its_window() -> None:
    step, reset = words().of_budget(OfBudget(1, event(), BUDGET, None))
    assert step.kind == "budget.warn"
    assert step.severity is Severity.WARNING
    assert (step.org, step.team) == ("acme", "search")
    assert "has reached 80 % of its limit" in step.title
    assert "$4.00 of $5.00" in step.text
    assert step.facts["used"] == 4_000_000_000
    assert reset.kind == "budget.reset"
    assert reset.after_ns == NOW_NS + DAY_NS


@pytest.mark.parametrize("what", ["warn", "degrade", "queue", "blocked"])
@pytest.mark.parametrize(
    ("budget", "limit_id"),
    [
        (BUDGET, "budget:b1/user=u-123"),
        (replace(BUDGET, where={"team": "search", "user": "u-123"}, each=()), "budget:b1"),
        (replace(BUDGET, each=("user", "model")), "budget:b1/user=u-123/model=fast"),
        (replace(BUDGET, each=("model", "user")), "budget:b1/model=fast/user=u-123"),
    ],
)
def test_no_user_is_named(budget: Budget, limit_id: str, what: str) -> None:
    told = list(words().of_budget(OfBudget(1, event(limit_id, what), budget, None)))
    assert told
    for said in told:
        assert "u-123" not in f"{said.title}{said.text}{said.html}{said.facts}"
        assert said.facts.get("of_team", "search") == "search"


def test_users_are_told_apart_though() -> None:
    both = [
        next(iter(words().of_budget(OfBudget(1, event(f"budget:b1/user={user}"), BUDGET, None))))
        for user in ("one", "two")
    ]
    assert both[0].once != both[1].once


def test_a_window_that_never_ends_is_told_once_an_hour() -> None:
    said = list(words(None).of_budget(OfBudget(1, event(what="blocked"), BUDGET, None)))
    assert [one.kind for one in said] == ["budget.blocked"]
    assert said[0].severity is Severity.CRITICAL
    later = BudgetEvent(*[*_values(event(what="blocked"))[:3], NOW_NS + HOUR_NS // 2,
                          *_values(event(what="blocked"))[4:]])  # fmt: skip
    again = list(words(None).of_budget(OfBudget(2, later, BUDGET, None)))
    assert again[0].once == said[0].once


def test_a_keys_own_limit_is_its_teams() -> None:
    key = Place("ci", "search", "bot", "day")
    said = list(words().of_budget(OfBudget(1, event("key:k1"), None, key)))
    assert (said[0].team, said[0].feature) == ("search", "bot")
    assert said[0].title.startswith("A limit of the key monthly")


def test_every_kind_there_is_known() -> None:
    told: list[Notification | None] = [
        words().of_rollback(RolledBack("acme", "r", "prompt", "faq", "worse", NOW_NS)),
        words().of_drift(Drifted("acme", "d", "p", "s", "v", NOW_NS)),
        words().of_damage(Damaged("d", "cut", NOW_NS)),
        words().of_copy(ExportState("off", failing_since_ns=NOW_NS - 2 * HOUR_NS), NOW_NS),
        words().of_copy(ExportState("off", failing_since_ns=NOW_NS, forked=True), NOW_NS),
        words().of_expiry(Expiring("k", "ci", "acme", "t", "f", NOW_NS + DAY_NS), NOW_NS),
        words().of_erasure(CutOff("acme", "e", NOW_NS)),
        words().of_test("mail", NOW_NS),
    ]
    assert {one.kind for one in told if one is not None} <= set(KINDS)
    assert len({one.once for one in told if one is not None}) == len(told)


def test_a_copy_that_fails_for_a_moment_is_no_news() -> None:
    assert words().of_copy(ExportState("off", failing_since_ns=NOW_NS - 1), NOW_NS) is None


def _values(said: BudgetEvent) -> list[object]:
    return [getattr(said, name) for name in said.__struct_fields__]
