"""Cost centres and currencies over real entries, on either database."""

import csv
import io
from datetime import date
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from legato.accounting.books import Books
from legato.accounting.charging import Charging, charged_shown, journal_csv
from legato.accounting.rate_files import read_rates
from legato.core.clock import ManualClock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.tenant import Tenant
from legato.economics.chargeback import CostRules, Pool, Rule
from legato.economics.exchange import Rate, rate_units
from legato.storage.accounting.costs import CostStore
from legato.storage.accounting.periods import PeriodStore
from legato.storage.accounting.rates import RateStore
from legato.storage.ledger.ledger import Ledger

from .journal_records import AT_NS, encoded, settled

DAY_NS = 86_400_000_000_000
NOVEMBER = "2023-11"
ECB = "Date,USD,CHF,CYP,\n2023-11-15,1.0868,0.9641,N/A,\n2023-11-14,1.0724,0.9650,N/A,\n"
RULES = CostRules(
    valid_from=date(2023, 11, 1),
    rules=[Rule(when={"team": "support", "tag:env": "prod"}, cost_centre="CC1", account="6510")],
    pools=[Pool(name="machines", amount="10", driver="cost")],
)


class World:
    def __init__(self, engine: Engine, clock: ManualClock, org: str = "acme") -> None:
        tenant = Tenant(org)
        self.clock = clock
        self.books = Books(PeriodStore(engine, clock, tenant), clock)
        self.costs = CostStore(engine, clock, tenant)
        self.rates = RateStore(engine, clock, tenant)
        self.charging = Charging(self.books, self.costs, self.rates)


@pytest.fixture
def world(engine: Engine, clock: ManualClock) -> World:
    dollar = 10**9
    records = [
        settled("r1", cost=100 * dollar),
        settled("r2", cost=7 * dollar, tags={}),
        settled("r3", cost=1, at_ns=AT_NS + DAY_NS),
        settled("r4", cost=10**15, org="other"),
    ]
    Ledger(engine, clock).commit("w-0/1", 1, encoded(*records))
    return World(engine, clock)


def test_entries_go_to_cost_centres_and_the_rest_is_unassigned(world: World) -> None:
    with pytest.raises(NotFound, match="chargeback set"):
        world.charging.charge(NOVEMBER)
    world.costs.set_rules(RULES)
    shown = charged_shown(world.charging.charge(NOVEMBER))
    assert [(one["cost_centre"], one["account"], one["amount"]) for one in shown["charges"]] == [
        (None, "expense", "7.000000000"),
        ("CC1", "6510", "100.000000001"),
        ("CC1", "expense", "10.000000000"),
    ]
    assert (shown["spent"], shown["total"]) == ("107.000000001", "117.000000001")
    assert (shown["unassigned"], shown["accrued"]) == ("7.000000000", "107.000000001")


def test_a_journal_balances_in_whole_cents(world: World) -> None:
    world.costs.set_rules(RULES)
    lines = list(csv.DictReader(io.StringIO(journal_csv(world.charging.charge(NOVEMBER)))))
    assert [(line["account"], line["debit"], line["credit"]) for line in lines] == [
        ("expense", "7.00", ""), ("6510", "100.00", ""), ("expense", "10.00", ""),
        ("accrued", "", "107.00"), ("payable", "", "10.00"),
    ]  # fmt: skip
    assert {line["date"] for line in lines} == {"2023-11-30"}


def test_each_day_is_converted_by_its_own_rate(world: World, tmp_path: Path) -> None:
    world.costs.set_rules(RULES)
    with pytest.raises(InvalidRequest, match="none from USD to CHF for 2023-11-14"):
        world.charging.charge(NOVEMBER, "CHF")
    file = tmp_path / "eurofxref-hist.csv"
    file.write_text(ECB)
    assert world.rates.put(read_rates(file, "ECB", frozenset({"USD", "CHF"}))) == 4
    charged = world.charging.charge(NOVEMBER, "CHF")
    # 107 dollars of the 14th at 0.9650 / 1.0724, one billionth of the 15th at 0.9641 / 1.0868
    assert charged.statement.spent == round(107 * 10**9 * 9650 / 10724) + 1
    assert [used.day for used in charged.rates] == [date(2023, 11, 14), date(2023, 11, 15)]
    assert {one.source for used in charged.rates for one in used.rates} == {"ECB"}


def test_rates_and_rules_of_closed_days_stay(world: World) -> None:
    world.costs.set_rules(RULES)
    old = Rate(date(2023, 11, 14), "USD", "EUR", rate_units("0.9"), "hand")
    assert (world.rates.put([old]), world.rates.put([old])) == (1, 0)
    world.clock.advance(20 * 86_400)
    world.books.close(NOVEMBER)
    changed = msgspec.structs.replace(old, units=rate_units("0.8"))
    with pytest.raises(Conflict, match="period is closed"):
        world.rates.put([changed])
    with pytest.raises(Conflict, match="closed"):
        world.costs.set_rules(RULES)
    later = msgspec.structs.replace(RULES, valid_from=date(2023, 12, 1), pools=[])
    assert world.costs.set_rules(later).version == 2
    assert world.charging.charge(NOVEMBER).rules.version == 1


def test_another_organisation_has_neither(world: World, engine: Engine, clock: ManualClock) -> None:
    world.costs.set_rules(RULES)
    world.rates.put([Rate(date(2023, 11, 14), "USD", "EUR", 1, "hand")])
    other = World(engine, clock, "other")
    assert other.rates.page(10) == []
    with pytest.raises(NotFound):
        other.charging.charge(NOVEMBER)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "neither columns Date"),
        ("Date,USD\n2023-13-01,1\n", r"line 2: day"),
        ("day,base,quote,rate\n2023-11-01,EUR,USD,0\n", "line 2: rate"),
        ("day,base,quote,rate\n2023-11-01,EUR,EUR,1\n", "line 2: quote"),
    ],
)
def test_a_file_that_cant_be_read_names_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=told):
        read_rates(file, "x", frozenset())
