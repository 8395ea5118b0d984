import pytest
from sqlalchemy import Engine, text

from legato.core.clock import ManualClock
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD
from legato.core.price import Price
from legato.core.principal import BudgetLimit, Window
from legato.core.records import EntryKind
from legato.core.tenant import EVERY_TENANT
from legato.storage.ledger.entries import EntryFilter, EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.prices import PriceStore
from legato.storage.ledger.sums import Dimension, SpendSums, read_backlog
from legato.storage.ledger.verify import verify
from legato.storage.limits.leases import LeaseStore
from legato.storage.retention import prune_traces

from .journal_records import AT_NS, BUDGET, encoded, intent, served, settled, voided
from .leasing import take_budget

DAY_NS = 86_400_000_000_000


@pytest.fixture
def filled(engine: Engine, clock: ManualClock) -> Engine:
    """Four requests, two attempts of one; one attempt lost and found again."""
    daily = BudgetLimit(BUDGET, NanoUSD(10_000), Window.DAY)
    take_budget(LeaseStore(engine, clock), daily, holder="w-0", want=5_000, at_least=1)
    ledger = Ledger(engine, clock)
    records = encoded(
        settled("r1", kind=EntryKind.RETRY, cost=0),
        settled("r1", 1, team="sales", budget=BUDGET),
        settled("r2", cost=None),
        settled("r3", at_ns=AT_NS - DAY_NS),
        intent("r4", budget=BUDGET),
        served("r1"),
        served("r3", at_ns=AT_NS - DAY_NS),
    )
    ledger.commit("w-0/1", 1, records)
    ledger.writer_finished("w-0")
    ledger.commit("w-0/1", 2, encoded(settled("r4", cost=700, budget=BUDGET)))
    return engine


def test_sums_are_net_of_corrections(filled: Engine) -> None:
    total = SpendSums(filled, EVERY_TENANT).total()
    assert (total.requests, total.attempts, total.unpriced, total.provisional) == (4, 5, 1, 0)
    assert total.cost == 0 + 500 + 500 + 700
    assert total.baseline_cost == 4 * 1_500  # a retry has none
    assert total.saved == 3 * 1_500 - total.cost
    assert total.tokens["in_uncached"] == 500
    assert total.tokens["out_text"] == 200


def test_sums_split_by_dimensions(filled: Engine) -> None:
    sums = SpendSums(filled, EVERY_TENANT)
    by_team = {row.group: row.cost for row in sums.sum_by(["team"])}
    assert by_team == {("sales",): 500, ("support",): 1_200}
    by_day = {row.group: row.attempts for row in sums.sum_by(["day", "provider"])}
    assert by_day == {("2023-11-13", "simulated"): 1, ("2023-11-14", "simulated"): 4}
    for name in Dimension:
        rows = sums.sum_by([name])
        assert sum(row.cost for row in rows) == 1_700
        assert sum(row.attempts for row in rows) == 5
    narrowed = sums.total(EntryFilter(since_ns=AT_NS, team="support"))
    assert narrowed.cost == 700
    assert sums.total(EntryFilter(team="nobody")).requests == 0
    with pytest.raises(InvalidRequest, match="known are"):
        sums.sum_by(["colour"])


def test_entries_are_read_in_order(filled: Engine) -> None:
    reader = EntryReader(filled, EVERY_TENANT)
    everything = list(reader.export_rows())
    assert [row["id"] for row in everything] == sorted(row["id"] for row in everything)
    assert len(everything) == 7
    assert reader.tail(2) == everything[-2:]
    assert reader.tail(9, EntryFilter(status="unknown", kind="usage")) == [everything[4]]
    assert everything[0]["tags"] == {"env": "prod"}
    assert [row["kind"] for row in reader.entries_of("r1")] == ["retry", "usage"]


def test_a_trace_comes_back_and_has_its_time(filled: Engine) -> None:
    reader = EntryReader(filled, EVERY_TENANT)
    found = reader.trace("r1")
    assert found is not None
    assert found["stages"] == [("authenticate", 3), ("call", 900)]
    assert found["usage"][0] == 100
    assert prune_traces(filled, AT_NS) == 1
    assert reader.trace("r3") is None
    assert reader.trace("r1") is not None


def test_traces_come_in_the_order_of_their_requests(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = EntryReader(filled, EVERY_TENANT)
    everything = list(reader.traces())
    times = [row["at_ns"] for row in everything]
    assert len(everything) > 1
    assert times == sorted(times)
    assert everything[0] == reader.trace(everything[0]["request_id"])
    assert list(reader.traces(times[-1])) == [
        row for row in everything if row["at_ns"] == times[-1]
    ]
    assert list(reader.traces(times[-1] + 1)) == []
    monkeypatch.setattr("legato.storage.ledger.trace_blocks._BLOCKS_PER_READ", 1)
    assert list(reader.traces()) == everything


def test_the_backlog_is_counted(filled: Engine, clock: ManualClock) -> None:
    Ledger(filled, clock).commit("w-1/1", 1, [b"garbage", *encoded(intent("r9"), voided("r8"))])
    backlog = read_backlog(filled)
    assert (backlog.open_attempts, backlog.alarms) == (1, 1)


def test_a_true_ledger_verifies(filled: Engine) -> None:
    report = verify(filled)
    assert report.problems == []
    assert report.ok
    assert (report.entries, report.cost) == (7, 1_700)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE ledger_entry SET cost = -1 WHERE request_id = 'r2'", "cost is negative"),
        ("UPDATE ledger_entry SET reasoning = -1 WHERE request_id = 'r2'", "reasoning is negative"),
        ("UPDATE ledger_entry SET kind = 'judge' WHERE request_id = 'r2'", "has a baseline"),
        ("UPDATE ledger_entry SET kind = 'hedge' WHERE request_id = 'r2'", "has a baseline"),
        ("UPDATE ledger_entry SET kind = 'overhead' WHERE request_id = 'r2'", "has a baseline"),
        ("UPDATE ledger_entry SET kind = 'cache' WHERE request_id = 'r2'", "cache has a cost"),
        (
            "UPDATE ledger_entry SET price_version = 'unpriced' WHERE request_id = 'r1'",
            "no price has a cost",
        ),
        ("UPDATE ledger_entry SET budget_id = 'set:ab' WHERE request_id = 'r2'", "no members"),
        ("UPDATE ledger_entry SET team = 'other' WHERE kind = 'correction'", "to another"),
        ("UPDATE ledger_entry SET period = '' WHERE request_id = 'r2'", "period"),
        ("UPDATE ledger_entry SET cost = cost + 1 WHERE provisional", "not the opposite"),
        ("DELETE FROM ledger_entry WHERE provisional", "not the opposite"),
        (
            "UPDATE ledger_entry SET kind = 'overhead' WHERE kind = 'correction'",
            "only a correction",
        ),
        ("UPDATE limit_window SET settled = settled + 1", "counter"),
        ("UPDATE ledger_entry SET cost = cost + 1 WHERE budget_id <> '' AND seq = 1", "counter"),
        ("UPDATE limit_window SET leased = 5", "leases"),
        ("INSERT INTO open_intent VALUES ('r1', 1, 'w', 1, 'x')", "is open though"),
    ],
)
def test_damage_is_found(filled: Engine, damage: str, what: str) -> None:
    with filled.begin() as connection:
        connection.execute(text(damage))
    report = verify(filled)
    assert not report.ok
    assert any(what in problem.what for problem in report.problems)


def test_a_price_stays_what_it_was(engine: Engine, clock: ManualClock) -> None:
    prices = PriceStore(engine, clock)
    first = Price("v1", source="config")
    prices.record({"small": first, "large": Price("v1", slots=2)})
    prices.record({"small": Price("v1", source="changed"), "large": Price("v2")})
    assert prices.get("small", "v1") == first
    assert prices.get("large", "v1") == Price("v1", slots=2)
    assert prices.get("large", "v2") == Price("v2")
    assert prices.get("large", "v3") is None
    prices.record({})
