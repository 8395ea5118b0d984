"""Both databases, for real: each test gets runs and beats of its own."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

POSTGRES = os.environ.get("LEGATO_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")


class Place(NamedTuple):
    """Where runs and beats are kept."""

    url: str
    schema: str
    beats_url: str


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    tmp_path = tmp_path_factory.mktemp("runs")
    schema = f"legato_{secrets.token_hex(6)}"
    if request.param == "sqlite":
        beats = f"sqlite:///{tmp_path / 'legato.db'}"
        engine = open_engine(beats)
        upgrade(engine)
        engine.dispose()
        yield Place(f"sqlite:///{tmp_path / 'workflows.db'}", schema, beats)
        return
    try:
        _as_admin(f"CREATE SCHEMA {schema}")
    except OperationalError:
        pytest.skip("no Postgres answers (LEGATO_TEST_POSTGRES)")
    engine = open_engine(POSTGRES, schema=schema)
    upgrade(engine)
    engine.dispose()
    yield Place(POSTGRES, schema, POSTGRES)
    _as_admin(f"DROP SCHEMA {schema} CASCADE")
    _as_admin(f"DROP SCHEMA IF EXISTS {schema}_runs CASCADE")


def _as_admin(statement: str) -> None:
    engine = open_engine(POSTGRES)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
