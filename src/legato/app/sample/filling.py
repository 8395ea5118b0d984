"""Fills the sample's database: by the ledger's own door, then summed and sealed like any other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from legato.app.checks.instance import Instance, remember_config_file
from legato.app.desks.finance import finance_books
from legato.app.desks.stored_data import stored_data
from legato.app.sample.company import ASSUMED, ORG, PROMPT, PROMPT_BEFORE, WORKFLOW
from legato.app.sample.inventing import World, requests
from legato.app.sample.opening import sample_instance, sample_prices
from legato.app.startup import prepare_database, record_config, record_prices
from legato.audit.acting import acting_as
from legato.audit.event import Actor
from legato.audit.segments import SegmentKind
from legato.core.clock import SystemClock
from legato.core.records import encode_record
from legato.core.registry import Kind
from legato.core.tenant import Tenant
from legato.economics.finance.assumptions import Said
from legato.economics.finance.entries import (
    Benefit,
    BenefitSaid,
    EntrySaid,
    LabourSaid,
    Phase,
    RevenueSaid,
)
from legato.registry.documents import Document
from legato.registry.registry import Act
from legato.storage.audit.segments import Segments
from legato.storage.database.engine import open_engine
from legato.storage.ledger.ledger import Ledger
from legato.storage.rollups.guard_rolling import GuardRoller
from legato.storage.rollups.rolling import BY_NAME, Roller

AUTHOR: Final = "sample"
_REQUESTS_AT_ONCE: Final = 500
_SEED: Final = 7
_MONTHS: Final = 3


def fill(folder: Path) -> int:
    """Make an instance of sample data in an empty folder; return how many requests it has.

    Raises:
        OSError, StorageUnavailable: the disk can't take it.
    """
    instance = sample_instance(folder)
    instance.data.create()
    remember_config_file(instance.data, instance.config_file)
    url, loaded = instance.database_url, instance.loaded
    with acting_as(Actor("process", AUTHOR)):
        prepare_database(url, loaded, instance.data)
        priced = sample_prices(loaded.config)
        record_prices(url, priced)
        record_config(url, loaded)
        engine = open_engine(url)
        try:
            keys = _keys(instance)
            prices = {name: price for name, price in priced.items() if price is not None}
            world = World(loaded.config, loaded.content_hash, prices, keys)
            count = _traffic(Ledger(engine, SystemClock()), world)
            _sum_and_seal(Roller(engine), GuardRoller(engine), Segments(engine))
        finally:
            engine.dispose()
        _build(instance)
        _keep_books(url)
    return count


def _keys(instance: Instance) -> dict[str, str]:
    with stored_data(instance) as stored:
        return {one.spec.name: one.id for one in stored.keys().list()}


def _traffic(ledger: Ledger, world: World) -> int:
    total, invented = 0, requests(world, SystemClock.now_ns(), _SEED)
    while some := list(islice(invented, _REQUESTS_AT_ONCE)):
        total += len(some)
        ledger.commit("sample/1", total, [encode_record(record) for one in some for record in one])
    return total


def _sum_and_seal(roller: Roller, guards: GuardRoller, segments: Segments) -> None:
    for name in BY_NAME:
        roller.catch_up(name)
    while guards.roll():
        pass
    for kind in SegmentKind:
        while segments.seal(kind) is not None:
            pass


def _build(instance: Instance) -> None:
    with stored_data(instance) as stored:
        registry = stored.registry(instance, ORG)
        for name, kind, spec in (
            ("customer-answer", Kind.PROMPT, PROMPT_BEFORE),
            ("customer-answer", Kind.PROMPT, PROMPT),
            ("claims-triage", Kind.WORKFLOW, WORKFLOW),
        ):
            registry.save(Document(kind=kind, name=name, spec=spec), Act(AUTHOR, "sample data"))


def _keep_books(url: str) -> None:
    said = [*_said()]
    books = finance_books(url, SystemClock())
    books.say(Tenant(ORG), [*_assumed()], AUTHOR)
    for kind in (LabourSaid, RevenueSaid, BenefitSaid):
        books.add((Tenant(ORG), ORG), [one for one in said if isinstance(one, kind)], AUTHOR)


def _assumed() -> Iterator[Said]:
    """Yield what a plan has to know beside the books."""
    for name, value, low, high in ASSUMED:
        yield Said(name=name, value=value, low=low, high=high, source="sample")


def _said() -> Iterator[EntrySaid]:
    """Yield what the invented company's books say of its last months."""
    today_s = SystemClock.now_ns() // 10**9
    first = datetime.fromtimestamp(today_s, UTC).replace(day=1)
    for ago in range(_MONTHS):
        month = f"{first:%Y-%m}"
        yield LabourSaid(period=month, team="support", hours=str(46 - 3 * ago), role="clerk",
                         usd_per_hour="38", source="sample")  # fmt: skip
        yield LabourSaid(period=month, team="support", hours="92", role="clerk", phase=Phase.BEFORE,
                         usd_per_hour="38", source="sample")  # fmt: skip
        yield LabourSaid(period=month, team="engineering", hours="12", role="engineer",
                         usd_per_hour="72", source="sample")  # fmt: skip
        yield BenefitSaid(period=month, team="support", kind=Benefit.TICKETS_AVOIDED,
                          quantity=str(640 - 40 * ago), usd_each="3.4", source=AUTHOR)  # fmt: skip
        yield RevenueSaid(period=month, team="support", feature="letters",
                          amount=str(900 - 60 * ago), source="sample")  # fmt: skip
        first = (first - timedelta(days=1)).replace(day=1)
