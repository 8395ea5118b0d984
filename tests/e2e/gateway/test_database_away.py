"""While the database is locked, calls are served; afterwards the ledger has all of them."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from running import within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer, RunningLegato

    from legato.providers.simulated.child import SimulatedChild

WORKERS = 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: rated, team: platform, feature: tests, secret: {env: RATED_KEY}, requests_per_minute: 600}
"""  # noqa: E501 - one key a line
RATED = "lg-a-key-with-a-rate"
VARIABLES = {"RATED_KEY": RATED}


@contextlib.contextmanager
def locked(legato: RunningLegato) -> Iterator[None]:
    """Hold the write lock of the database."""
    with contextlib.closing(sqlite3.connect(legato.data / "legato.db", timeout=10)) as database:
        database.isolation_level = None
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


def entries(legato: RunningLegato) -> int:
    count: int = legato.query("SELECT count(*) AS n FROM ledger_entry")[0]["n"]
    return count


def test_calls_go_on_and_the_ledger_catches_up(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    assert legato.chat("small").status == 200
    assert within(5, lambda: entries(legato) == 1)
    latencies_s = []
    with locked(legato):
        until_s = time.monotonic() + 4
        while time.monotonic() < until_s:
            began_s = time.monotonic()
            assert legato.chat("small").status == 200
            latencies_s.append(time.monotonic() - began_s)
            time.sleep(0.02)
        assert legato.get("/readyz").status == 200
        assert entries(legato) == 1
    assert max(latencies_s) < 0.5
    served = 1 + len(latencies_s)
    assert within(15, lambda: entries(legato) == served)
    calls = upstream.calls(served)
    (total,) = legato.query("SELECT sum(cost) AS cost FROM ledger_entry")
    assert total["cost"] == sum(
        1_000 * call.usage.prompt + 2_000 * call.usage.completion for call in calls
    )
    assert legato.command("ledger", "verify")


def test_limits_are_spent_from_leases_then_refused_never_exceeded(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    assert legato.chat("small", key=RATED).status == 200
    waits_s = []

    def ask(_: int) -> Answer:
        began_s = time.monotonic()
        answer = legato.chat("small", key=RATED)
        waits_s.append(time.monotonic() - began_s)
        return answer

    with locked(legato), ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(32)))
    assert max(waits_s) < 8  # those who queue for one lease give up together
    refused = [answer for answer in answers if answer.status != 200]
    assert len(answers) - len(refused) < 50  # what the workers had leased
    assert {answer.status for answer in refused} == {503}
    assert {answer.error["code"] for answer in refused} == {"storage_unavailable"}
    assert {answer.headers["x-should-retry"] for answer in refused} == {"true"}
    assert within(5, lambda: legato.chat("small", key=RATED).status == 200)
