"""Many processes at once, and a database that is held by another."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, text

from legato.core.clock import ManualClock
from legato.core.errors import ConfigInvalid, StorageUnavailable
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.storage.database.engine import open_engine, reading, writing
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.verify import verify
from legato.storage.migrate import check, upgrade
from legato.storage.tables.schema import limit_lease, limit_window
from legato.storage.tenants.keys import KeyStore

from .hammer import BUDGET, RATE, SLOTS
from .journal_records import encoded, settled
from .writers import THREADS, WRITES

HERE = Path(__file__).parent
SOURCE = HERE.parents[2] / "src"
PROCESSES = 8
ROUNDS = 20


def watch(engine: Engine) -> None:
    """Assert the limits as any reader sees them at this moment."""
    limits = {"budget": BUDGET.limit, "rate": RATE, "slots": SLOTS}
    with engine.connect() as connection:
        for row in connection.execute(select(limit_window)):
            assert row.settled + row.leased <= limits[row.kind]
        for row in connection.execute(select(limit_lease)):
            assert row.amount >= 0


@pytest.mark.slow
def test_eight_processes_never_pass_a_limit(engine: Engine) -> None:
    url = engine.url.set(drivername=engine.url.get_backend_name()).render_as_string(False)
    schema = ""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            schema = str(connection.execute(text("SELECT current_schema()")).scalar())
    children = [
        subprocess.Popen(
            [sys.executable, str(HERE / "hammer.py"), url, schema, f"w-{n}", str(ROUNDS)],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(PROCESSES)
    ]
    while any(child.poll() is None for child in children):
        watch(engine)
        time.sleep(0.05)
    spent = rate = 0
    for child in children:
        out, error = child.communicate()
        assert child.returncode == 0, error
        *rounds, total = out.splitlines()
        assert all(int(level) <= BUDGET.limit for level in rounds)
        spent += int(total.split()[1])
        rate += int(total.split()[2])
    watch(engine)
    report = verify(engine)
    assert report.problems == []
    assert report.cost == spent <= BUDGET.limit
    assert rate == min(RATE, PROCESSES * ROUNDS * 3)
    for n in range(PROCESSES):
        Ledger(engine).writer_finished(f"w-{n}")
    with engine.connect() as connection:
        budget = connection.execute(select(limit_window).where(limit_window.c.kind == "budget"))
        assert budget.one().leased == 0


def test_a_held_database_is_unavailable_and_comes_back(
    open_empty: Callable[..., Engine], clock: ManualClock, ids: IdSource
) -> None:
    upgrade(open_empty())
    engine = open_empty(wait_s=0.2)
    ledger, keys = Ledger(engine, clock), KeyStore(engine, clock, ids, EVERY_TENANT)
    other = open_empty()
    with other.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execution_options(legato_writes=True).begin()
        else:
            connection.execute(text("LOCK TABLE ledger_entry, journal_offset IN EXCLUSIVE MODE"))
        started = time.perf_counter()
        with pytest.raises(StorageUnavailable, match="unavailable"):
            ledger.commit("w-0/1", 1, encoded(settled("r1")))
        assert time.perf_counter() - started < 3
        assert keys.version() == 0, "readers are not held up"
        connection.rollback()
    assert ledger.offsets() == {}
    ledger.commit("w-0/1", 1, encoded(settled("r1")))
    assert verify(engine).entries == 1


def test_writers_of_several_processes_all_have_their_turn(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'notes.db'}"
    engine = open_engine(url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE note (text TEXT)"))
    children = [
        subprocess.Popen(
            [sys.executable, str(HERE / "writers.py"), url, f"of {n}"],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    refused = [child.communicate()[0].strip() for child in children]
    assert refused == ["0", "0", "0"]
    with reading(engine) as connection:
        written = connection.execute(text("SELECT text, count(*) FROM note GROUP BY text"))
        assert [row[1] for row in written] == [THREADS * WRITES] * 3
    engine.dispose()


def test_a_lost_connection_is_unavailable_and_comes_back(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no connection to lose")
    ledger = Ledger(engine)
    ledger.offsets()
    admin = create_engine(engine.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as held:
        process = held.execute(text("SELECT pg_backend_pid()")).scalar()
    with admin.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:p)"), {"p": process})
    admin.dispose()
    assert ledger.offsets() == {}, "the pool found out by itself"


def test_no_database_is_unavailable(unused_tcp_port: int, tmp_path: Path) -> None:
    for url in (
        f"postgresql://legato:secret@127.0.0.1:{unused_tcp_port}/legato",
        f"sqlite:///{tmp_path}/missing/legato.db",
    ):
        engine = open_engine(url, wait_s=0.5)
        with pytest.raises(StorageUnavailable) as caught:
            check(engine)
        assert "secret" not in str(caught.value)
        engine.dispose()


def test_a_broken_file_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "legato.db"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StorageUnavailable):
        check(open_engine(f"sqlite:///{path}"))


def test_a_new_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "legato.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    Ledger(engine).offsets()
    modes = {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    engine.dispose()
    assert modes == {0o600}


@pytest.mark.parametrize("url", ["", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"storage\.url"):
        open_engine(url)
