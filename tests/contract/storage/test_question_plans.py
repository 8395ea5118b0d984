"""Questions that stay fast whatever the ledger holds: SQLite says which index it goes by."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.database.engine import open_engine
from legato.storage.ledger.entries import EntryFilter, EntryReader
from legato.storage.rollups.reading import Span, SpendQuery, SpendReader
from legato.storage.rollups.reversals import rows_by_kind

ACME = Tenant("acme")
MONTH = SpendQuery(Span(20_000, 20_030), ("requests", "cost"), ("feature", "kind"))
Plan = Callable[[Callable[[], object]], str]


@pytest.fixture
def file_engine(migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "legato.db"
    shutil.copyfile(migrated_file, path)
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture
def plan(file_engine: Engine) -> Plan:
    """Returns how SQLite goes about all that some work asks of tables with spend or traces."""

    def told(work: Callable[[], object]) -> str:
        asked: list[tuple[str, object]] = []

        def hear(
            _connection: object, _cursor: object, text: str, values: object, *_: object
        ) -> None:
            if "ledger_entry" in text or "trace_block" in text:
                asked.append((text, values))

        event.listen(file_engine, "before_cursor_execute", hear)
        work()
        event.remove(file_engine, "before_cursor_execute", hear)
        assert asked
        with file_engine.connect() as connection:
            return "\n".join(
                str(row[-1])
                for text, values in asked
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)  # type: ignore[call-overload] # as it was asked
            )

    return told


@pytest.mark.parametrize("reach", [ACME, EVERY_TENANT])
def test_figures_of_a_month_read_none_of_its_entries(
    file_engine: Engine, plan: Plan, reach: Tenant
) -> None:
    found = plan(lambda: rows_by_kind(SpendReader(file_engine, reach), MONTH))
    assert "ledger_entry USING INTEGER PRIMARY KEY (rowid>?)" in found
    assert "ledger_entry USING INDEX ledger_entry_reverses" in found
    assert "ledger_entry_at" not in found
    assert "SCAN ledger_entry" not in found


@pytest.mark.parametrize("reach", [ACME, EVERY_TENANT])
def test_entries_of_which_there_are_none_are_looked_for_behind_the_sums(
    file_engine: Engine, plan: Plan, reach: Tenant
) -> None:
    reader = EntryReader(file_engine, reach)
    found = plan(lambda: reader.page(50, None, EntryFilter(key_id="none")))
    assert found == "SEARCH ledger_entry USING INTEGER PRIMARY KEY (rowid>?)"


def test_an_organisations_requests_are_looked_up_among_its_own(
    file_engine: Engine, plan: Plan
) -> None:
    found = plan(lambda: list(EntryReader(file_engine, ACME).newest_traces(None)))
    assert "USING INDEX trace_block_org (org=?)" in found
    assert "TEMP B-TREE" not in found
