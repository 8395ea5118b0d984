"""Both databases, for real: each test gets runs of its own."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from legato.storage.database.engine import open_engine

from .workers import Place, Working

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POSTGRES = os.environ.get("LEGATO_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    schema = f"legato_{secrets.token_hex(6)}"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'legato.db'}"
        yield Place(url, f"sqlite:///{tmp_path / 'workflows.db'}", schema)
        return
    admin = open_engine(POSTGRES)
    try:
        with admin.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    except OperationalError:
        pytest.skip("no Postgres answers (LEGATO_TEST_POSTGRES)")
    yield Place(POSTGRES, POSTGRES, schema)
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        connection.execute(text(f"DROP SCHEMA IF EXISTS {schema}_runs CASCADE"))
    admin.dispose()


@pytest.fixture
def working(place: Place, tmp_path: Path) -> Iterator[Working]:
    working = Working(place, tmp_path)
    yield working
    working.end()
