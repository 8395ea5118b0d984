"""Both databases, for real: the suites run once on each."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from tests.redis_server import PROGRAM, RedisServer

from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade

from .emptying import empty_tables

POSTGRES = os.environ.get("LEGATO_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
OpenEngine = Callable[..., Engine]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Make schemas, dropped at the end."""
    made: list[str] = []

    def make() -> str:
        made.append(f"legato_{secrets.token_hex(6)}")
        _as_admin(f"CREATE SCHEMA {made[-1]}")
        return made[-1]

    try:
        _as_admin("SELECT 1")
    except OperationalError:
        pytest.skip("no Postgres answers (LEGATO_TEST_POSTGRES)")
    yield make
    for name in made:
        _as_admin(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(scope="session")
def migrated_schema(postgres: Callable[[], str]) -> str:
    schema = postgres()
    engine = open_engine(POSTGRES, schema=schema, wait_s=60)  # who is first makes the others wait
    upgrade(engine)
    engine.dispose()
    return schema


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("storage") / "migrated.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_empty(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[OpenEngine]:
    """Opens engines on one empty database."""
    engines: list[Engine] = []
    url, schema = f"sqlite:///{tmp_path / 'legato.db'}", None
    if database == "postgres":
        url, schema = POSTGRES, request.getfixturevalue("postgres")()

    def open_one(**options: float) -> Engine:
        engines.append(open_engine(url, schema=schema, **options))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.dispose()


@pytest.fixture
def empty(open_empty: OpenEngine) -> Engine:
    return open_empty()


@pytest.fixture
def another_empty(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Engine]:
    if database == "postgres":
        engine = open_engine(POSTGRES, schema=request.getfixturevalue("postgres")())
    else:
        engine = open_engine(f"sqlite:///{tmp_path / 'another.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def engine(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the schema and no rows: a copy of a file, or a schema that is emptied."""
    if database == "postgres":
        engine = open_engine(POSTGRES, schema=request.getfixturevalue("migrated_schema"))
    else:
        path = tmp_path / "legato.db"
        shutil.copyfile(request.getfixturevalue("migrated_file"), path)
        engine = open_engine(f"sqlite:///{path}")
    yield engine
    if database == "postgres":
        empty_tables(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all: each database has keys of its own. Don't wipe it."""
    if PROGRAM is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ids(clock: ManualClock) -> IdSource:
    return IdSource(clock)


def _as_admin(statement: str) -> None:
    engine = open_engine(POSTGRES)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
