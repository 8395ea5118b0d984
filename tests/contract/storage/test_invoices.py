"""Invoices beside a real ledger, on either database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from legato.accounting.books import Books
from legato.accounting.invoices.causes import Cause
from legato.accounting.invoices.desk import Invoices, read_lines, reconciliation_shown
from legato.core.clock import ManualClock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.core.tenant import Tenant
from legato.storage.accounting.invoices import InvoiceStore, VendorKey
from legato.storage.accounting.periods import PeriodStore
from legato.storage.accounting.rates import RateStore
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.prices import PriceStore
from legato.storage.retention import prune_traces

from .journal_records import AT_NS, encoded, served, settled

# 1 dollar a million of each class that `settled` uses: 165 tokens, 165,000 nano-dollars
PRICE = Price(
    "p1",
    **dict.fromkeys(
        ("in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "out_text", "reasoning",
         "image_in", "image_out"), PicoUSD(1_000_000),
    ),
)  # fmt: skip
TOKENS = "100,10,1,2,40,5,3,4"
HEAD = (
    "vendor,key,model,start,end,cost,charge,in_uncached,cache_read,cache_write_5m,"
    "cache_write_1h,out_text,reasoning,image_in,image_out\n"
)
DAY = "2023-11-14,2023-11-15"


class World:
    def __init__(self, engine: Engine, clock: ManualClock, org: str = "acme") -> None:
        tenant = Tenant(org)
        self.store = InvoiceStore(engine, clock, IdSource(clock), tenant)
        self.invoices = Invoices(self.store, RateStore(engine, clock, tenant))
        self.books = Books(
            PeriodStore(engine, clock, tenant), clock,
            lambda period: self.store.billed(period.start_ns, period.end_ns),
        )  # fmt: skip


@pytest.fixture
def world(engine: Engine, clock: ManualClock) -> World:
    PriceStore(engine, clock).record({"small": PRICE})
    records = [
        settled("r1", cost=165_000),
        settled("r2", cost=None),
        settled("r3", cost=165_000, org="other"),
        settled("r4", cost=0, kind="cache"),
        served("r1"),
    ]
    Ledger(engine, clock).commit("w-0/1", 1, encoded(*records))
    made = World(engine, clock)
    made.store.set_key(VendorKey("openai", "key_ours", "simulated"))
    return made


def lines(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "invoice.csv"
    file.write_text(HEAD + text)
    return file


def test_an_invoice_is_explained_to_the_nano_dollar(world: World, tmp_path: Path) -> None:
    text = (
        f"openai,key_ours,small-1,{DAY},0.00033,usage,200,20,2,4,80,10,6,8\n"
        f"openai,key_of_a_laptop,small-1,{DAY},1.25,usage,{TOKENS}\n"
        f"openai,,,{DAY},0.50,tax,0,0,0,0,0,0,0,0\n"
        f"openai,,,{DAY},-0.10,credit,0,0,0,0,0,0,0,0\n"
    )
    rows = read_lines([lines(tmp_path, text)], "", "auto")
    made = world.invoices.put(rows, "2023-11")
    assert (made.total, made.vendor, made.lines) == (1_650_330_000, "openai", 4)
    invoice, found = world.invoices.reconcile(made.id)
    assert (found.invoiced, found.ledger) == (1_650_330_000, 165_000)
    assert found.by_cause() == {
        Cause.BYPASS: 1_250_000_000, Cause.TAX: 500_000_000, Cause.CREDIT: -100_000_000,
        Cause.UNPRICED: 165_000,
    }  # fmt: skip
    shown = reconciliation_shown(invoice, found)
    assert shown["bypass_keys"] == {"key_of_a_laptop": "1.250000000"}
    assert sum(part.amount for part in found.parts) == found.difference
    with pytest.raises(Conflict, match="imported already"):
        world.invoices.put(rows, "again")


def test_what_is_accepted_isnt_accrued_any_more(
    world: World, tmp_path: Path, clock: ManualClock
) -> None:
    rows = read_lines(
        [lines(tmp_path, f"openai,key_ours,small-1,{DAY},0.5,usage,{TOKENS}\n")], "", "auto"
    )
    made = world.invoices.put(rows, "x")
    assert world.books.show("2023-11").accrued == 165_000
    assert world.invoices.accept(made.id).billed == {"simulated": 500_000_000}
    (accrual,) = world.books.show("2023-11").accruals
    assert (accrual.invoiced, accrual.accrued) == (500_000_000, 0)
    with pytest.raises(Conflict, match="accepted already"):
        world.invoices.dispute(made.id, "late")


def test_usage_past_the_gateway_is_accepted_with_a_reason_only(
    world: World, tmp_path: Path
) -> None:
    text = f"openai,key_of_a_laptop,small-1,{DAY},1.25,usage,{TOKENS}\n"
    made = world.invoices.put(read_lines([lines(tmp_path, text)], "", "auto"), "x")
    with pytest.raises(InvalidRequest, match="why bypass"):
        world.invoices.accept(made.id)
    assert world.invoices.accept(made.id, "a trial, ended").state == "accepted"


def test_a_dispute_keeps_the_traces_of_its_time(
    world: World, tmp_path: Path, engine: Engine
) -> None:
    text = f"openai,key_ours,small-1,{DAY},0.5,usage,{TOKENS}\n"
    made = world.invoices.put(read_lines([lines(tmp_path, text)], "", "auto"), "x")
    world.invoices.dispute(made.id, "half of it isn't ours")
    assert prune_traces(engine, AT_NS * 2) == 0
    world.invoices.accept(made.id)
    assert prune_traces(engine, AT_NS * 2) == 1


def test_another_organisations_invoices_dont_exist(
    world: World, engine: Engine, clock: ManualClock, tmp_path: Path
) -> None:
    text = f"openai,key_ours,small-1,{DAY},0.5,usage,{TOKENS}\n"
    made = world.invoices.put(read_lines([lines(tmp_path, text)], "", "auto"), "x")
    other = World(engine, clock, "other")
    assert (other.store.page(9), other.store.own_keys()) == ([], [])
    for act in (other.invoices.reconcile, other.invoices.accept):
        with pytest.raises(NotFound):
            act(made.id)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"openai,k,m,{DAY},,usage,{TOKENS}\n", "no line has an amount"),
        (f"openai,k,m,2023-11-41,2023-11-15,1,usage,{TOKENS}\n", "line 2: start"),
        (f"openai,k,m,{DAY},x,usage,{TOKENS}\n", "line 2: 'x'"),
        (f"openai,k,m,{DAY},1,bonus,{TOKENS}\n", "line 2: 'bonus'"),
        (f"openai,k,m,{DAY},1,usage,1.5,0,0,0,0,0,0,0\n", "line 2: in_uncached"),
        (f",k,m,{DAY},1,usage,{TOKENS}\n", "vendor"),
        (f"openai,k,m,{DAY},1,tax,{TOKENS}\n", "of usage"),
    ],
)
def test_what_cant_be_read_is_refused(world: World, tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        world.invoices.put(read_lines([lines(tmp_path, text)], "", "auto"), "x")


def test_a_secret_is_no_name_of_a_key(world: World) -> None:
    with pytest.raises(InvalidRequest, match="secret"):
        world.store.set_key(VendorKey("openai", "sk-" + "x" * 40, "simulated"))
