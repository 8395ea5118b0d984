"""What models cost a month before Legato, by imported usage, as plans begin with it."""

from datetime import UTC, datetime
from pathlib import Path

from legato.app.baseline.reporting import Asked, build
from legato.app.config.data_dir import DataDir
from legato.app.prices.price_book import PriceBook
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.economics.world_before import Tag
from legato.finance.plans import Imported, ImportedOf
from legato.storage.accounting.rates import RateStore
from legato.storage.database.engine import open_engine
from legato.storage.imports.usage_imports import UsageImports


def imported_usage(database_url: str, data: Path, clock: Clock) -> ImportedOf:
    """Return what tells it of an organisation; nothing is read yet."""
    engine, ask = open_engine(database_url), PriceBook(DataDir(data).cache, clock).ask

    def told(tenant: Tenant) -> Imported | None:
        store = UsageImports(engine, clock, IdSource(clock), tenant)
        rates = RateStore(engine, clock, tenant).between
        asked = Asked(org=tenant.org)
        found = build(store.every(tenant.org), store.usage(tenant.org), asked, ask, rates=rates)
        if found is None:
            return None
        days = "..".join(_day(at_ns) for at_ns in (found.start_ns, found.end_ns - 1))
        beside = f"; left out or converted: {'; '.join(found.left_out)}" if found.left_out else ""
        return Imported(
            found.outcome.before,
            f"imported usage of {days}, {found.imports} imports, {found.read_lines:,} lines: what "
            f"models cost in a month of it{beside}"[:1_000],
            all(line.tag is Tag.MEASURED for line in found.lines),
        )

    return told


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, UTC).date().isoformat()
