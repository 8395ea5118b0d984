"""A bad day: workers die, Postgres is away, the provider answers 503, while cases come in.

What is sent from outside is sent again until it is taken, as senders and people do. Whatever falls
together with whatever: no case is lost, each is decided once, and pays once.
"""

from __future__ import annotations

import hmac
import json
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, Answer, RunningLegato, within
from tests.receivers import WebServer

from postgres_cluster import PostgresCluster, has_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.soak,
    pytest.mark.chaos,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not has_postgres(), reason="no Postgres server is installed"),
]
CASES = 24
AWAY_S = 10.0
OVER_S = 150.0
"""Until all is done, on a machine that is busy with other things."""
PAUSE_S = 0.3
SECRET = "a-secret-of-this-shop"
SECRETS = {"SHOP_SECRET": SECRET, "MASTER": "5" * 64}
FAILING = 0.3
AGAIN = {"attempts_max": 20, "wait_s": 0.2, "backoff": 1.2}
WORKFLOW: dict[str, Any] = {
    "nodes": [
        {"kind": "prompt", "id": "look", "model": "m", "user": "${input.n}", "retry": AGAIN},
        {"kind": "human", "id": "may", "subject": "Pay ${input.n}?", "after": ["look"]},
        {"kind": "call", "id": "pay", "tool": "pay", "arguments": {"n": "${input.n}"},
         "retry": AGAIN, "after": ["may:approved"]},
    ],
    "output": "${input.n}",
    "triggers": [
        {"name": "t", "kind": "webhook",
         "settings": {"key": "ci", "style": "github", "secret": "shop"}}
    ],
}  # fmt: skip


def config_of(payments: WebServer, seed: int) -> str:
    secrets = [{"name": "shop", "secrets": [{"env": "SHOP_SECRET"}]}]
    failing = {"error_rate": FAILING, "error_status": 503}
    price = {"input_per_mtok": "1", "output_per_mtok": "2"}
    number = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    return json.dumps(
        {
            "config_version": 1,
            "storage": {"url": {"env": "DATABASE"}},
            "vault": {"master_key": {"env": "MASTER"}},
            "cache": {"enabled": False},
            "providers": [
                {
                    "name": "up",
                    "kind": "simulated",
                    "settings": {"seed": seed, "models": {"m": failing}},
                }
            ],
            "deployments": [{"name": "m", "provider": "up", "model": "m", "price": price}],
            "keys": [
                {"name": "ci", "team": "shop", "feature": "pay", "secret": {"env": "CALLER_KEY"}}
            ],
            "tools": [
                {
                    "name": "pay",
                    "http": {"url": f"http://127.0.0.1:{payments.port}/pay", "method": "POST"},
                    "parameters": number,
                }
            ],
            "triggers": {"webhook_secrets": secrets},
        }
    )


@pytest.fixture
def cluster() -> Iterator[PostgresCluster]:
    cluster = PostgresCluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def payments() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def nodes(
    cluster: PostgresCluster, payments: WebServer, tmp_path: Path
) -> Iterator[list[RunningLegato]]:
    found = []
    for number in range(2):
        folder = tmp_path / f"node-{number}"
        folder.mkdir()
        variables = SECRETS | {"DATABASE": cluster.url}
        found.append(RunningLegato(folder, config_of(payments, number), variables=variables))
    yield found
    for one in found:
        one.stop()


class Day:
    """What is sent from outside, to either node, again until it is taken."""

    def __init__(self, nodes: list[RunningLegato]) -> None:
        self._nodes = nodes
        spec = {"spec": WORKFLOW, "labels": ["production"]}
        saved = nodes[0].post("/api/v1/registry/objects/workflow/case/versions", spec, ADMIN)
        assert saved.status == 201, saved.body
        shown = within(30, lambda: nodes[0].get("/api/v1/triggers/case/t", ADMIN))
        self._hook: str = shown.json["path"]
        self.over = threading.Event()

    def deliver(self, number: int) -> str:
        """Deliver a case until it is taken, and once more; return its run."""
        body = json.dumps({"n": number}).encode()
        signed = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        headers = {
            "content-type": "application/json",
            "x-hub-signature-256": f"sha256={signed}",
            "x-github-event": "case",
            "x-github-delivery": f"case-{number}",
        }
        runs = {self._taken("POST", self._hook, body, headers).json["run_id"] for _ in range(2)}
        assert len(runs) == 1
        return str(runs.pop())

    def approve_all(self) -> int:
        """Approve what is asked until the day is over; return how many approvals were taken."""
        taken = 0
        while not self.over.wait(PAUSE_S):
            found = self._once("GET", "/api/v1/tasks?state=open&limit=100", None, self._admin())
            for task in [] if found is None else found.json["data"]:
                path, said = f"/api/v1/tasks/{task['id']}/decide", b'{"verdict": "approve"}'
                answer = self._once("POST", path, said, self._admin())
                taken += answer is not None and answer.status < 300
        return taken

    def runs(self) -> list[dict[str, Any]]:
        path = "/api/v1/workflow-runs?workflow=case&limit=200"
        found: list[dict[str, Any]] = self._taken("GET", path, None, self._admin()).json["data"]
        return found

    def _admin(self) -> dict[str, str]:
        return {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}

    def _taken(self, *asked: Any) -> Answer:
        until_s = time.monotonic() + OVER_S
        while (answer := self._once(*asked)) is None:
            assert time.monotonic() < until_s, asked
            time.sleep(PAUSE_S)
        return answer

    def _once(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer | None:
        """Ask one node, then the other; None: neither can answer now."""
        for node in self._nodes:
            try:
                answer = node.send(method, path, body, headers)
            except OSError:
                continue
            if answer.status < 500:
                return answer
        return None


def kill_workers(node: RunningLegato) -> None:
    """Kill all that the supervisor began: what runs workflows, serves calls, keeps the ledger."""
    for pid in node.children():
        os.kill(pid, signal.SIGKILL)


def test_no_case_is_lost_and_each_pays_once(
    cluster: PostgresCluster, payments: WebServer, nodes: list[RunningLegato]
) -> None:
    day = Day(nodes)
    with ThreadPoolExecutor(5) as people:
        approving = people.submit(day.approve_all)
        try:
            ids = [people.submit(day.deliver, number) for number in range(CASES // 2)]
            assert within(60, lambda: payments.posts), "some are through"
            kill_workers(nodes[0])
            cluster.stop("fast")
            assert len(payments.posts) < CASES // 2, "it went while cases were under way"
            ids += [people.submit(day.deliver, number) for number in range(CASES // 2, CASES)]
            time.sleep(AWAY_S)
            cluster.start()
            kill_workers(nodes[1])
            begun = [one.result() for one in ids]
            within(OVER_S, lambda: {one["status"] for one in day.runs()} == {"done"})
        finally:
            day.over.set()
    runs = day.runs()
    assert Counter(one["status"] for one in runs) == {"done": CASES}
    assert sorted(one["id"] for one in runs) == sorted(begun)
    assert sorted(one["output"] for one in runs) == list(range(CASES))
    paid = {headers["idempotency-key"]: json.loads(body) for _, headers, body in payments.posts}
    assert sorted(one["n"] for one in paid.values()) == list(range(CASES)), "each under one key"
    tasks = nodes[0].get("/api/v1/tasks?limit=200", ADMIN).json["data"]
    assert sorted(one["run_id"] for one in tasks) == sorted(begun), "each was asked once"
    assert approving.result() <= CASES, "and decided once"
    print(f"{len(payments.posts) - CASES} payments repeated, load {os.getloadavg()[0]:.1f}")  # noqa: T201
