"""Recorded requests decided again by the real code: bit for bit, after kills, and what can't be."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from replay_traffic import (
    CONFIG,
    FAULTS,
    POOR,
    begin_rollout,
    begin_route_rollout,
    call,
    keep_route,
)
from running import RunningLegato, within

if TYPE_CHECKING:
    from legato.providers.simulated.child import SimulatedChild

VARIABLES = {"POOR_KEY": POOR}
WORKERS = 2
KNOWN = {
    "refused before a route was chosen: not_found",
    "it counts tokens: nothing is bought",
}
KINDS = {
    "retries": "SELECT count(*) FROM ledger_entry WHERE kind = 'retry'",
    "hits": "SELECT count(*) FROM ledger_entry WHERE kind = 'cache'",
    "arms": "SELECT count(DISTINCT arm) FROM ledger_entry WHERE arm <> ''",
    "deployments": "SELECT count(DISTINCT deployment) FROM ledger_entry",
    "unpriced": "SELECT count(*) FROM ledger_entry WHERE cost IS NULL",
    "versions": "SELECT count(DISTINCT versions) FROM ledger_entry WHERE versions LIKE '%near@%'",
    "budgets": "SELECT count(*) FROM ledger_entry WHERE budget_id <> ''",
}


def replayed(legato: RunningLegato, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """Run `legato replay --json`; return its exit status and what it says of each request."""
    done = subprocess.run(
        [sys.executable, "-m", "legato", "replay", "--json", "--data", str(legato.data), *options],
        env=legato.environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def settled(legato: RunningLegato) -> None:
    """Wait until the ledger has taken all in."""
    before: Any = None

    def still() -> bool:
        nonlocal before
        now = legato.query("SELECT coalesce(sum(requests), 0) AS n FROM trace_block")[0]["n"]
        same, before = now == before, now
        return same

    assert within(20, lambda: still() and still())


def change(legato: RunningLegato, statement: str, *values: str) -> None:
    with contextlib.closing(sqlite3.connect(legato.data / "legato.db", timeout=10)) as database:
        database.execute(statement, values)
        database.commit()


def check(legato: RunningLegato, told: list[dict[str, Any]]) -> Counter[str]:
    """Assert that nothing differs, and that everything that is decided was among it."""
    assert [one for one in told if one["verdict"] == "different"] == []
    found = {name: legato.query(statement)[0] for name, statement in KINDS.items()}
    counts = {name: next(iter(row.values())) for name, row in found.items()}
    assert counts["retries"] > 5, counts
    assert counts["hits"] > 2, counts
    assert counts["arms"] == 4, counts
    assert counts["deployments"] >= 5, counts
    assert counts["unpriced"] > 2, counts
    assert counts["versions"] >= 1, counts
    assert counts["budgets"] > 5, counts
    ends = Counter(trace["error_code"] for trace in legato.traces())
    assert ends["budget_exceeded"] > 2, ends
    assert ends["all_attempts_failed"] >= 1, ends
    return Counter(one["verdict"] for one in told)


def test_every_decision_is_made_again(legato: RunningLegato, upstream: SimulatedChild) -> None:
    upstream.change(**FAULTS)
    begin_rollout(legato)
    begin_route_rollout(legato)
    keep_route(legato, "2.5")
    call(legato, 150, seed=1)
    keep_route(legato, "3.125")
    os.kill(legato.children()[0], signal.SIGKILL)  # the ledger process
    call(legato, 50, seed=2)
    os.kill(legato.children()[0], signal.SIGKILL)  # a worker, in the middle of its work
    call(legato, 150, seed=3)
    legato.kill()
    legato.start()
    call(legato, 50, seed=4)
    settled(legato)
    status, told = replayed(legato)
    verdicts = check(legato, told)
    assert status == 0
    assert verdicts["reproduced"] > 330, verdicts
    causes = {one["causes"][0] for one in told if one["verdict"] == "unreplayable"}
    assert all(cause in KNOWN or cause.startswith("no trace is kept") for cause in causes), causes


def test_what_is_gone_is_said_and_what_was_altered_differs(legato: RunningLegato) -> None:
    legato.chat("ordered", "one", max_tokens=9)
    last = legato.chat("alone", "two", max_tokens=9).request_id
    legato.entries(last)
    legato.trace(last)
    assert replayed(legato, "--request", last) == (
        0, [{"request_id": last, "verdict": "reproduced", "causes": []}],
    )  # fmt: skip
    change(legato, "UPDATE ledger_entry SET cost = cost + 1 WHERE request_id = ?", last)
    status, told = replayed(legato, "--request", last)
    assert (status, told[0]["verdict"]) == (1, "different")
    assert "nano-USD" in told[0]["causes"][0]
    change(legato, "DELETE FROM price_version WHERE deployment = 'a'")
    status, told = replayed(legato, "--request", last)
    assert (status, told[0]["verdict"]) == (1, "unreplayable")
    assert "of a is not kept" in told[0]["causes"][0]


@pytest.mark.soak
def test_ten_thousand_requests_are_decided_again(
    upstream_of_module: SimulatedChild, tmp_path_factory: pytest.TempPathFactory
) -> None:
    upstream_of_module.reset()
    upstream_of_module.change(**FAULTS)
    config = CONFIG.replace("UPSTREAM", upstream_of_module.url)
    legato = RunningLegato(
        tmp_path_factory.mktemp("many"), config, workers=WORKERS, variables=VARIABLES
    )
    begin_rollout(legato)
    begin_route_rollout(legato)
    for part in range(10):
        keep_route(legato, f"{part + 1}.5")
        call(legato, 1_050, seed=100 + part, callers=8)
        if part in {2, 6}:
            os.kill(legato.children()[0], signal.SIGKILL)
        if part == 4:
            legato.kill()
            legato.start()
    settled(legato)
    assert legato.stop() == 0
    status, told = replayed(legato)
    verdicts = check(legato, told)
    assert status == 0
    assert verdicts["reproduced"] >= 10_000, verdicts
    assert next(iter(legato.query(KINDS["versions"])[0].values())) > 5
