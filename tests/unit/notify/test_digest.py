"""A team's week: its figures are sums, and stand in text and HTML alike."""

from datetime import date

from legato.core.budget import Budget, Measure, Period
from legato.core.config_notifications import Digest
from legato.economics.waterfall import STEPS
from legato.notify.digest import Burn, Change, burn, compose, listed, of_team
from legato.notify.digest_pages import digest_of
from legato.notify.week import week_around
from legato.storage.limits.standing import Standing
from legato.storage.notifications.weeks import Spent

WEEK = week_around(Digest(channels=["x"]), date(2026, 8, 5))
DAY_NS = 86_400_000_000_000
BUDGET = Budget(
    id="b", name="monthly", org="acme", measure=Measure.USD, limit=100, period=Period.DAY,
    where={"team": "search"},
)  # fmt: skip


def spent(feature: str, model: str, cost: int, **sums: int) -> Spent:
    given = {"requests": 1, "attempts": 1, "unpriced": 0, "baseline_cost": 0} | {
        f"step_{name}": 0 for name in STEPS
    }
    return Spent(feature, model, given | {"cost": cost} | sums)


NOW = [
    spent("bot", "<big>", 3_000_000_000, step_cache=500, step_overhead=-20),
    spent("bot", "small", 1_000_000_000, unpriced=2),
    spent("mail", "small", 500_000_000, step_routing=70),
]
BEFORE = [spent("bot", "<big>", 1_000_000_000), spent("old", "small", 250_000_000)]


def test_all_figures_are_sums() -> None:
    report = compose(("acme", "search"), WEEK, NOW, BEFORE, triggers={("no-cards", "block"): 3})
    assert report.total == Change("search", 4_500_000_000, 1_250_000_000)
    assert report.total.percent == 260
    assert [(one.name, one.cost, one.before) for one in report.features] == [
        ("bot", 4_000_000_000, 1_000_000_000),
        ("mail", 500_000_000, 0),
        ("old", 0, 250_000_000),
    ]
    assert sum(one.cost for one in report.models) == report.total.cost
    assert report.movers[0].name == "bot on <big>"
    assert (report.saved, report.saved_by["cache"], report.unpriced) == (550, 500, 2)
    assert report.triggers == [("no-cards", "block", 3)]


def test_text_and_html_say_the_same() -> None:
    budgets = [
        Burn(
            name="monthly", of="", measure=Measure.USD, limit=10, used=5, resets_at_ns=9,
            forecast=20, empty_ns=0,
        )
    ]  # fmt: skip
    report = compose(("acme", "search"), WEEK, NOW, BEFORE, budgets=budgets)
    said = digest_of(report, "1" * 32, 5, ("mail",))
    for words in ("$4.50", "+260 %", "$1.25", "monthly", "2 attempts have no price"):
        assert words in said.text
        assert words in said.html
    assert "<big>" in said.text
    assert "<big>" not in said.html
    assert "&lt;big&gt;" in said.html
    assert said.facts["cost"] == 4_500_000_000
    assert said.facts["feature_bot"] == 4_000_000_000
    assert said.once == "digest acme/search 2026-08-03"


def test_what_isnt_listed_is_summed() -> None:
    many = [Change(str(number), 1, 2) for number in range(40)]
    shown = listed(many)
    assert len(shown) == 15
    assert shown[-1] == Change("26 others", 26, 52)


def test_a_budget_goes_on_at_its_pace() -> None:
    one = Standing("budget:b", {}, 100, 60, 5, 0, DAY_NS)
    found = burn(BUDGET, one, DAY_NS // 2)
    assert (found.used, found.forecast) == (60, 120)
    assert found.empty_ns == DAY_NS // 2 * 100 // 60
    calm = burn(BUDGET, Standing("budget:b", {}, 100, 40, 0, 0, DAY_NS), DAY_NS // 2)
    assert (calm.forecast, calm.empty_ns) == (80, None)


def test_whose_budget_it_is() -> None:
    def one(**values: str) -> Standing:
        return Standing("budget:b", values, 100, 60, 5, 0, DAY_NS)

    assert of_team(BUDGET, one(), "search")
    assert not of_team(BUDGET, one(), "sales")
    assert not of_team(BUDGET, one(user="u"), "search")
