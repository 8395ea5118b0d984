"""Postgres is stopped for ten seconds, and crashes, while runs are under way: none is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from postgres_cluster import PostgresCluster, has_postgres

from .workers import START_S, Place, Working, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.soak,
    pytest.mark.chaos,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not has_postgres(), reason="no Postgres server is installed"),
]
AWAY_S = 10.0
RUNS = 60
WORKERS = 2


@pytest.fixture
def cluster() -> Iterator[PostgresCluster]:
    cluster = PostgresCluster()
    yield cluster
    cluster.remove()


@pytest.mark.parametrize(("how", "away_s"), [("fast", AWAY_S), ("immediate", 0.0)])
def test_runs_outlast_their_database(
    cluster: PostgresCluster, tmp_path: Path, how: str, away_s: float
) -> None:
    working = Working(Place(cluster.url, cluster.url, "public"), tmp_path)
    try:
        for _ in range(WORKERS):
            working.begin_worker()
        for _ in range(RUNS):
            working.start_run()
        assert within(START_S, lambda: working.count("done") > 0)
        before = working.outside()
        cluster.stop(how)
        time.sleep(away_s)
        cluster.start()
        assert len(before) < 3 * RUNS, "it went while runs were under way"
        working.wait_until_all_are_done(120)
        repeated = working.check_nothing_is_lost_or_twice()
        print(f"{how}, {away_s:g} s away: {repeated} repeated")  # noqa: T201
    finally:
        working.end()
