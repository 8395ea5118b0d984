"""Plans from ledger and books, on either database."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from legato.app.desks.planning import SpeedFound
from legato.core.clock import ManualClock
from legato.core.config_finance import MarginGate
from legato.core.errors import Conflict, Forbidden, InvalidRequest
from legato.core.ids import IdSource
from legato.core.money import NanoUSD, PicoUSD
from legato.core.price import Price
from legato.core.records import EntryKind as LedgerKind
from legato.core.registry import Kind, ObjectName
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant
from legato.economics.finance.assumptions import Said
from legato.economics.finance.entries import (
    Activity,
    Benefit,
    BenefitSaid,
    LabourSaid,
    Phase,
    RevenueSaid,
)
from legato.economics.finance.projection import Base, Driver, Tier
from legato.finance.books import FinanceBooks, FinanceStores
from legato.finance.machines import Machines
from legato.finance.margin_gate import MarginGates
from legato.finance.plans import Asked, Plans
from legato.finance.profit import Profit
from legato.finance.spent import LedgerDays
from legato.finance.volumes import Change, Deployed, Volumes, World
from legato.storage.finance.assumptions import AssumptionStore
from legato.storage.finance.entries import FinanceEntryStore
from legato.storage.ledger.ledger import Ledger
from legato.storage.rollups.reading import SpendReader

from .journal_records import AT_NS, encoded, settled

ACME = Tenant("acme")
DAY_S = 86_400
USD = 10**9
PLACE = (ACME, "acme")
PRICES = {
    "small": Price("v", in_uncached=PicoUSD(1_000_000), out_text=PicoUSD(2_000_000)),
    "tiny": Price("v", in_uncached=PicoUSD(100_000), out_text=PicoUSD(200_000)),
    "own": Price("v", machine_hour=NanoUSD(USD // 10)),
}


def deployed() -> Mapping[str, Deployed]:
    return {
        name: Deployed(model=name, price=price, requests_per_minute=60, local=name == "own")
        for name, price in PRICES.items()
    }


class Desk:
    """What the app puts together, over one database."""

    def __init__(self, engine: Engine, clock: ManualClock, ids: IdSource) -> None:
        self.engine, self.clock, self.commits = engine, clock, 0
        clock.advance(1)
        stores = FinanceStores(
            lambda tenant: AssumptionStore(engine, clock, tenant),
            lambda kind, reach: FinanceEntryStore(engine, (clock, ids), kind, reach),
        )
        self.books = FinanceBooks(stores, clock)
        self.profit = Profit(self.books, self.sums, clock)
        self.plans = Plans(self.books, self.sums, clock)
        self.volumes = Volumes(self.books, self.sums, clock, deployed)
        speed = SpeedFound("tiny-llm", "bench", "1000", "100")
        self.machines = Machines(self.books, (self.sums, clock), deployed, lambda: [speed])

    def sums(self, reach: Any) -> LedgerDays:
        return LedgerDays(SpendReader(self.engine, reach))

    def spend(self, count: int, *, days: float = 0, **changes: Any) -> None:
        """Put so many requests into the ledger, at $0.001 each by default."""
        at_ns = AT_NS + int(days * DAY_S * USD)
        self.commits += 1
        records = [
            settled(f"{self.commits}-{number}", at_ns=at_ns, **{"cost": 1_000_000, **changes})
            for number in range(count)
        ]
        Ledger(self.engine, self.clock).commit("w/1", self.commits, encoded(*records))

    def say(self, **values: str) -> None:
        said = [
            Said(name=name.replace("__", "."), value=value, source="s", valid_from="2020-01-01")
            for name, value in values.items()
        ]
        self.books.say(ACME, said, "ann")


@pytest.fixture
def desk(engine: Engine, clock: ManualClock, ids: IdSource) -> Desk:
    return Desk(engine, clock, ids)


def test_a_plan_is_made_of_ledger_and_books_and_names_each_figure(desk: Desk) -> None:
    desk.spend(100)
    desk.clock.advance(10 * DAY_S)
    hours = {"role": "agent", "usd_per_hour": "50"}
    labour = [
        LabourSaid(period="2023-09", hours="100", phase=Phase.BEFORE, **hours),
        LabourSaid(period="2023-10", hours="60", phase=Phase.BEFORE, **hours),
        LabourSaid(period="2023-11", hours="20", activity=Activity.REVIEW, **hours),
        LabourSaid(period="2023-10", hours="10", activity=Activity.BUILD, **hours),
    ]
    desk.books.add(PLACE, labour, "ann")
    benefit = BenefitSaid(
        period="2023-11", kind=Benefit.TICKETS_AVOIDED, quantity="10", usd_each="3"
    )
    desk.books.add(PLACE, [benefit], "ann")
    found = desk.plans.plan(ACME, Asked(draws=50, assume={"ramp.months": "0"}))
    values = {one.name: one for one in found.inputs}
    days = Decimal("10.93")  # the ledger's first day began at midnight
    month = Decimal(365) / 12 / days
    assert Decimal(values["after.ai_usd_month"].value) == pytest.approx(Decimal("0.1") * month)
    assert Decimal(values["before.ai_usd_month"].value) == pytest.approx(Decimal("0.00015") * month)
    assert (values["after.ai_usd_month"].tag, values["before.ai_usd_month"].tag) == (
        "measured",
        "assumed",
    )
    assert Decimal(values["before.labour_usd_month"].value) == 4000
    assert Decimal(values["after.labour_usd_month"].value) == 1000
    assert Decimal(values["initial.usd"].value) == 500
    assert Decimal(values["benefits.usd_month"].value) == 30
    assert values["ramp.months"].source == "said with the question"
    assert values["discount.rate_year"].version == 0
    assert found.draws is not None
    assert [one.name for one in found.cases] == ["low", "base", "high"]
    assert found.cases[0].npv_nano < found.cases[1].npv_nano < found.cases[2].npv_nano


def test_what_a_plan_lacks_is_named_with_its_remedy(desk: Desk) -> None:
    with pytest.raises(InvalidRequest, match="no entry of the last 30 days"):
        desk.plans.plan(ACME, Asked())
    desk.spend(1)
    with pytest.raises(InvalidRequest, match=r"legato assumptions set initial\.usd"):
        desk.plans.plan(ACME, Asked())
    desk.say(initial__usd="5")
    assert desk.plans.plan(ACME, Asked(draws=0)).draws is None
    with pytest.raises(InvalidRequest, match=r"discount\.rate_year lies between"):
        desk.plans.plan(ACME, Asked(assume={"discount.rate_year": "-1"}))


def test_profit_and_loss_takes_revenue_models_review_and_other(desk: Desk) -> None:
    desk.spend(100)
    desk.spend(10, team="ops", feature="inner")
    desk.spend(5, org="other", cost=9 * USD)
    own = {"team": "support", "feature": "bot"}
    desk.books.add(PLACE, [RevenueSaid(period="2023-11", amount="20", **own)], "ann")
    review = LabourSaid(
        period="2023-11", role="lead", hours="0.1", usd_per_hour="50", activity=Activity.REVIEW,
        **own,  # type: ignore[arg-type]
    )  # fmt: skip
    desk.books.add(PLACE, [review], "ann")
    other = Said(
        name="cogs.other_usd_month@support/bot", value="2", source="s", valid_from="2023-11-01"
    )
    desk.books.say(ACME, [other], "ann")
    found = desk.profit.read(ACME, "2023-11", "2023-11")
    inner, bot = found.features
    assert (bot.revenue_nano, bot.ai_nano) == (20 * USD, USD // 10)
    assert (bot.review_nano, bot.other_nano) == (5 * USD, 2 * USD)
    assert bot.contribution_margin == "0.6450"
    assert (inner.feature, inner.contribution_margin) == ("inner", "")
    assert found.profitable_told == "1 of 1 features with revenue pay; 1 have none in the books"
    part = desk.profit.read(Areas((Area("acme", "support", "bot"),)), "2023-11", "2023-11")
    assert [one.feature for one in part.features] == ["bot"]
    assert desk.profit.read(ACME, "2023-10", "2023-10").features == []
    with pytest.raises(Forbidden):
        desk.profit.read(EVERY_TENANT, "2023-11", "2023-11")
    with pytest.raises(InvalidRequest, match="until"):
        desk.profit.read(ACME, "2023-11", "2023-10")


def test_without_months_the_last_three_whole_ones_are_meant(desk: Desk) -> None:
    found = desk.profit.read(ACME)
    assert (found.since, found.until) == ("2023-08", "2023-10")


def test_volume_comes_from_the_ledger_with_what_the_cache_answers(desk: Desk) -> None:
    for day, requests in enumerate((20, 40, 80, 160, 320)):
        new = round(3 * requests**0.6)
        desk.spend(new, days=day)
        desk.spend(requests - new, days=day, kind=LedgerKind.CACHE, cost=0)
    desk.clock.advance(5 * DAY_S)
    found = desk.volumes.project(ACME, Asked())
    one, ten, hundred = found.volumes
    assert one.drivers[0].requests < one.requests
    assert "fitted on 5 days" in found.cache_told
    assert Decimal(one.cached_share) < Decimal(ten.cached_share) < Decimal(hundred.cached_share)
    assert hundred.cost_nano == pytest.approx(one.cost_nano * 100**0.6, rel=0.05)
    assert hundred.revenue_nano is None


def test_a_file_says_terms_or_a_whole_month(desk: Desk) -> None:
    desk.spend(1000)
    terms = [Change(deployment="small", tiers=[Tier(from_usd_month="0", discount="0.5")])]
    halved = desk.volumes.project(ACME, Asked(), (1,), World(terms=terms)).volumes[0]
    assert halved.cost_nano * 2 == halved.drivers[0].list_nano
    limited = [Change(deployment="small", requests_per_minute=1)]
    found = desk.volumes.project(ACME, Asked(), (1,), World(terms=limited))
    assert found.stops_at == 1
    assert found.stops_because[0].startswith("small takes 1 requests a minute")
    with pytest.raises(InvalidRequest, match="no traffic goes to 'huge'"):
        desk.volumes.project(ACME, Asked(), (1,), World(terms=[Change(deployment="huge")]))
    base = Base(requests=10, drivers=[Driver(deployment="api", requests=10, usd="7")])
    whole = desk.volumes.project(ACME, Asked(), (2,), World(base=base)).volumes[0]
    assert whole.cost_nano == 14 * USD


def test_own_machines_are_held_against_what_a_deployment_charged(desk: Desk) -> None:
    desk.spend(100)
    desk.say(machine__hour_usd="0.01")
    found = desk.machines.self_host(ACME, "small", "tiny-llm", Asked())
    # each request: 116 tokens read and 49 written, for 1,000,000 nano-dollars
    assert found.api_per_mtok_nano == pytest.approx(1_000_000 * 1_000_000 / 165, rel=1e-6)
    assert found.break_even_tokens is not None
    assert found.tokens_now is not None
    tags = {one.name: one.tag for one in found.inputs}
    assert tags["speed.generated_per_s"] == "benchmark"
    assert tags["price.api_usd_per_mtok"] == "measured"
    listed = desk.machines.self_host(ACME, "tiny", "tiny-llm", Asked())
    assert (listed.tokens_now, listed.api_per_mtok_nano) == (None, 125_000_000)
    with pytest.raises(InvalidRequest, match="legato local bench other"):
        desk.machines.self_host(ACME, "small", "other", Asked())
    with pytest.raises(InvalidRequest, match="nothing here is called 'huge'"):
        desk.machines.self_host(ACME, "huge", "tiny-llm", Asked())
    with pytest.raises(InvalidRequest, match="neither traffic nor a price per token"):
        desk.machines.self_host(ACME, "own", "tiny-llm", Asked())


def test_training_is_held_against_what_requests_cost_now(desk: Desk) -> None:
    desk.spend(100, cost=10_000_000)
    found = desk.machines.fine_tune(ACME, "small", "tiny", Asked(assume={"tune.once_usd": "1"}))
    listed = sum(one.number for one in found.inputs if one.name == "price.to_usd_per_request")
    assert found.saved_per_request_pico == pytest.approx(10**10 - int(listed * 10**12), rel=1e-3)
    assert found.break_even_requests is not None
    desk.spend(10, deployment="tiny", cost=20_000_000)
    dearer = desk.machines.fine_tune(ACME, "small", "tiny", Asked(assume={"tune.once_usd": "1"}))
    assert dearer.told == "never: a request costs no less there"
    with pytest.raises(InvalidRequest, match="nothing went to 'own'"):
        desk.machines.fine_tune(ACME, "own", "tiny", Asked(assume={"tune.once_usd": "1"}))


SOLD = ObjectName(Kind.PROMPT, "sold-bot")
GATE = MarginGate(objects=["prompt/sold-*"], org="acme", team="support", feature="bot", months=1)


def gate(desk: Desk, **changes: Any) -> MarginGates:
    gates = [msgspec.structs.replace(GATE, **changes)]
    return MarginGates(gates, desk.books, desk.sums, desk.clock)


def test_a_gate_asks_for_a_margin_that_is_shown(desk: Desk) -> None:
    desk.spend(100)
    desk.clock.advance(30 * DAY_S)  # the month of the traffic is the last whole one
    with pytest.raises(Conflict, match="no revenue of it from 2023-11 to 2023-11"):
        gate(desk).require("acme", [(SOLD, "production")], "production")
    own = {"team": "support", "feature": "bot", "period": "2023-11"}
    desk.books.add(PLACE, [RevenueSaid(amount="0.15", external_id="i", **own)], "ann")
    with pytest.raises(Conflict, match=r"the margin shown is 33\.3%.*planned_revenue"):
        gate(desk).require("acme", [(SOLD, "production")], "production")
    gate(desk, margin_over=0.3).require("acme", [(SOLD, "production")], "production")
    desk.spend(1, days=1, cost=None)
    with pytest.raises(Conflict, match="1 attempts have no price"):
        gate(desk, margin_over=0.3).require("acme", [(SOLD, "production")], "production")


@pytest.mark.parametrize(
    "move",
    [
        ("other", SOLD, "production", "production"),
        ("acme", ObjectName(Kind.PROMPT, "inner"), "production", "production"),
        ("acme", ObjectName(Kind.SUITE, "sold-bot"), "production", "production"),
        ("acme", SOLD, "draft", "production"),
        ("acme", SOLD, "production", "staging"),
    ],
)
def test_a_gate_means_what_it_names_alone(
    desk: Desk, move: tuple[str, ObjectName, str, str]
) -> None:
    org, name, label, environment = move
    gate(desk).require(org, [(name, label)], environment)
