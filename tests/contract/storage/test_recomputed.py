"""Reports of generated ledgers, worked out again from the raw export by code that shares none."""

import json
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from sqlalchemy import Engine

from legato.accounting.rooms import AccountingRooms
from legato.app.desks.accounting import accounting_rooms
from legato.app.desks.audit import AuditDesk
from legato.app.desks.insights import InsightDesk, booked_revenue
from legato.app.desks.reporting import ReportDesk, written
from legato.app.desks.stored_data import StoredData
from legato.audit.note import SigningKey
from legato.cli.spend.ledger_export import export
from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.core.records import EntryKind, Record, Settled
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.core.usage import Usage
from legato.economics.finance.assumptions import Said
from legato.economics.finance.entries import Activity, LabourSaid, Phase, RevenueSaid
from legato.economics.finance.entries import EntryKind as BookKind
from legato.economics.waterfall import OVERHEAD_KINDS
from legato.finance.books import FinanceBooks, FinanceStores
from legato.finance.planning import Planning
from legato.finance.plans import Asked, Plans
from legato.finance.profit import Profit
from legato.finance.spent import LedgerDays
from legato.insights.spend.counting import Setting
from legato.insights.spend.desk import Insights, Sources
from legato.reporting.wanted import Kind, Wanted
from legato.storage.accounting.corrections import Wanted as Correcting
from legato.storage.accounting.stores import open_stores
from legato.storage.audit.log import AuditLog
from legato.storage.audit.reports import record_report
from legato.storage.finance.assumptions import AssumptionStore
from legato.storage.finance.entries import EntryFilter, FinanceEntryStore
from legato.storage.incidents.incidents import Durations
from legato.storage.kpis.practices import PracticeReader
from legato.storage.ledger.entries import EntryFilter as Entries
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.rollups.reading import DAY_NS, SpendReader
from legato.storage.rollups.rolling import SPEND, Roller

from .journal_records import AT_NS, encoded, intent, settled

SCRIPT = Path(__file__).parents[3] / "docs" / "recompute"
ACME = Tenant("acme")
DAYS = 40
REQUESTS = 150
MONTH = "2023-12"
BEFORE, AFTER, RUN = Phase.BEFORE, Phase.AFTER, Activity.RUN


class World:
    """A generated ledger with books, and the desk that reports of it."""

    def __init__(self, engine: Engine, clock: ManualClock, ids: IdSource, folder: Path) -> None:
        self.engine, self.clock, self.folder = engine, clock, folder
        self.ledger, self.commits = Ledger(engine, clock), 0
        self.books = FinanceBooks(
            FinanceStores(
                lambda tenant: AssumptionStore(engine, clock, tenant),
                lambda kind, reach: FinanceEntryStore(engine, (clock, ids), kind, reach),
            ),
            clock,
        )
        (folder / "books").mkdir()

    def post(self, *records: Record) -> None:
        self.commits += 1
        self.ledger.commit("w-0/1", self.commits, encoded(*records))

    def rooms(self, tenant: Tenant) -> AccountingRooms:
        return accounting_rooms(open_stores(self.engine, self.clock, tenant), self.clock)

    def insights(self, reach: Any) -> Insights:
        sources = Sources(
            spend=partial(SpendReader, self.engine),
            practices=partial(PracticeReader, self.engine),
            setting=lambda: Setting(frozenset({"fast"}), frozenset({"home"})),
            measured=lambda _reach, _span: (),
            revenue=partial(booked_revenue, self.books),
            incidents=lambda _reach, _span, _where: Durations(0, 0, 0),
            now_ns=self.clock.now_ns,
        )
        return Insights(sources, reach)

    def report(self, kind: Kind, period: str) -> Path:
        def sums(reach: Any) -> LedgerDays:
            return LedgerDays(SpendReader(self.engine, reach))

        plans = Plans(self.books, sums, self.clock)
        parts: Any = (plans, Profit(self.books, sums, self.clock), None, None, None)
        log = AuditLog(self.engine, EVERY_TENANT)
        unused = cast("Any", None)
        desk = ReportDesk(
            InsightDesk(self.insights, unused, unused),
            (Planning(*parts), self.rooms, unused, unused),
            (AuditDesk(log, log, SigningKey(b"s" * 32)), partial(record_report, self.engine)),
            self.clock,
        )
        asked = Asked(draws=20)
        wanted = Wanted(kind=kind, form="json", org="acme", period=period, plan=asked)
        out = self.folder / f"{kind}.json"
        out.write_bytes(written(desk.gathered(wanted), "json"))
        return out

    def list_books(self) -> None:
        kept = {
            "assumptions": [msgspec.structs.asdict(one) for one in self.books.assumptions(ACME)]
        }
        for kind in BookKind:
            rows = self.books.stores.entries(kind, EVERY_TENANT).every(EntryFilter())
            kept[{"benefit": "benefits"}.get(kind, kind)] = [
                {"org": row.org, "team": row.entry.team, "feature": row.entry.feature,
                 "period": row.entry.period, "usd": f"{row.entry.usd / 10**9:.9f}",
                 **row.entry.details}
                for row in rows
            ]  # fmt: skip
        for name, listed in kept.items():
            (self.folder / "books" / f"{name}.json").write_text(json.dumps(listed))

    def recomputed(self, report: Path, form: str) -> subprocess.CompletedProcess[str]:
        ledger = self.folder / f"ledger.{form}"
        reader = EntryReader(self.engine, EVERY_TENANT)
        export(cast("Any", Exporting(reader)), Entries(), form, ledger)
        self.list_books()
        # without -S nothing would keep it from importing what it is to be compared with
        isolated = [] if form == "parquet" else ["-S"]
        command = [sys.executable, *isolated, str(SCRIPT), "--ledger", str(ledger), "--books",
                   str(self.folder / "books"), "--report", str(report)]  # fmt: skip
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={}, timeout=120
        )


class Exporting:
    """What an export asks of the stored data."""

    def __init__(self, reader: EntryReader) -> None:
        self._reader = reader

    def entries(self) -> EntryReader:
        return self._reader

    @staticmethod
    def entry_columns() -> dict[str, type]:
        return StoredData.entry_columns(cast("Any", None))


@pytest.fixture
def world(engine: Engine, clock: ManualClock, ids: IdSource, tmp_path: Path) -> World:
    return World(engine, clock, ids, tmp_path)


def generated(dice: random.Random, number: int) -> list[Settled]:
    """One request: attempts that failed or lost, its answer or none, and what checks it."""
    at_ns = AT_NS + dice.randrange(DAYS * DAY_NS)
    place = {
        "org": dice.choice(["acme", "acme", "globex"]), "team": dice.choice(["red", "blue"]),
        "feature": dice.choice(["a", "b"]), "route": dice.choice(["fast", "one", ""]),
        "provider": dice.choice(["up", "home"]), "user": dice.choice(["", "u1", "u2", "u3"]),
        "measures": dice.choice(["", "", "prompt_cache", "removed:70", "prompt_cache removed:9"]),
    }  # fmt: skip
    kinds = [EntryKind.RETRY] * dice.choice([0, 0, 1, 2])
    kinds += [dice.choice([EntryKind.USAGE] * 4 + [EntryKind.CACHE])]
    kinds += dice.choice([[], [], [EntryKind.HEDGE], [EntryKind.JUDGE], [EntryKind.SHADOW],
                          [EntryKind.OVERHEAD]])  # fmt: skip
    made = []
    for attempt, kind in enumerate(kinds):
        cost = None if dice.random() < 0.05 else dice.randrange(10**9)
        one = settled(f"r{number}", attempt, kind=kind, at_ns=at_ns + attempt, **place)
        status = (
            "error" if kind is EntryKind.RETRY else dice.choice(["ok"] * 8 + ["cancelled", "x"])
        )
        baseline = 0 if kind in OVERHEAD_KINDS else dice.choice([None, dice.randrange(2 * 10**9)])
        made.append(
            msgspec.structs.replace(
                one,
                usage=Usage(*(dice.randrange(500) for _ in range(10))),
                cost=0 if kind is EntryKind.CACHE else cost,
                baseline_cost=baseline,
                status=status,
                total_us=dice.randrange(40_000_000),
            )
        )
    return made


def fill(world: World, seed: int) -> None:
    """Post requests, lose some outcomes that come late, and correct some entries by hand."""
    dice = random.Random(seed)
    for number in range(REQUESTS):
        world.post(*generated(dice, number))
    for number in range(8):
        world.post(intent(f"lost{number}", at_ns=AT_NS + dice.randrange(DAYS * DAY_NS)))
    world.ledger.writer_finished("w-0")
    world.clock.advance(DAYS * 86_400)
    for number in range(4):
        world.post(settled(f"lost{number}", at_ns=AT_NS + DAY_NS, team="red", feature="a"))
    rows = list(EntryReader(world.engine, ACME).export_rows())
    wanted = [row for row in rows if row["kind"] not in {"cache", "correction"}]
    corrections = world.rooms(ACME).corrections
    for row in dice.sample(wanted, 12):
        if not any(one["reverses_entry"] == row["id"] for one in rows):
            corrections.correct(
                Correcting(entry_id=row["id"], cost=dice.randrange(10**9), reason="it was wrong")
            )
    keep_books(world, dice)


def keep_books(world: World, dice: random.Random) -> None:
    place = (EVERY_TENANT, "acme")
    for month in ("2023-11", MONTH):
        for team in ("red", "green"):
            amount = f"{dice.randrange(1, 10**6)}.{dice.randrange(100):02d}"
            earned = RevenueSaid(period=month, amount=amount, team=team, feature="a")
            world.books.add(place, [earned], "me")
            for phase, activity in ((BEFORE, RUN), (AFTER, RUN), (AFTER, Activity.REVIEW)):
                work = LabourSaid(period=month, hours=str(dice.randrange(1, 90)), role="agent",
                                  usd_per_hour="71.13", phase=phase, activity=activity,
                                  team=team, feature="b")  # fmt: skip
                world.books.add(place, [work], "me")
    said = [
        Said(name="initial.usd", value="12345.67", low="9000", high="30000", source="offer"),
        Said(name="after.other_usd_month", value="70", source="offer"),
        Said(name="volume.growth_month", value="0.013", low="-0.02", high="0.05", source="plan"),
        Said(name="cogs.other_usd_month@red/a", value="17.5", source="books"),
    ]
    world.books.say(ACME, said, "me")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_every_figure_follows_from_the_raw_export(world: World, seed: int) -> None:
    fill(world, seed)
    forms = ("csv", "jsonl", "parquet") if seed == 0 else ("csv",)
    for kind, period in (("roi", f"{MONTH}-01..{MONTH}-31"), ("savings", "35d")):
        report = world.report(cast("Kind", kind), period)
        for form in forms:
            done = world.recomputed(report, form)
            assert done.returncode == 0, done.stdout + done.stderr
        Roller(world.engine).catch_up(SPEND)
    figures = int(done.stdout.splitlines()[-1].split()[0])
    assert figures > 60


def test_a_figure_that_was_changed_is_found(world: World) -> None:
    fill(world, 99)
    report = world.report("roi", f"{MONTH}-01..{MONTH}-31")
    said = json.loads(report.read_text())
    said["savings"]["cost"] += 1
    said["plan"]["cases"][1]["months"][17]["net_usd"] = "0.000000001"
    said["pnl"]["features"][0]["requests"] += 1
    report.write_text(json.dumps(said))
    done = world.recomputed(report, "csv")
    assert done.returncode == 1
    told = [line.split(":")[1].strip() for line in done.stdout.splitlines() if "differs" in line]
    assert told[:2] == ["savings cost", "base month 18 net"]
    assert len(told) == 3
