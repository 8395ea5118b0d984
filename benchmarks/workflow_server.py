"""A running instance for measurements of workflows, and how they are told."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "lg-the-key-of-this-benchmark"
RUNS = "/api/v1/workflow-runs"
LETTERS = "/api/v1/workflow-dead-letters"
START_S = 60.0
RUN_S = 600.0
AWAKE_S = 60
CONFIG = """\
config_version: 1
storage: {url: {env: RUNS_DATABASE}}
vault: {master_key: {env: RUNS_MASTER}}
batches: {idle_s: IDLE}
workflows: {stay_awake: AWAKE}
cache: {enabled: false}
providers:
  - {name: up, kind: simulated, settings: {models: {slow: {latency_ms: 1500}}}}
deployments:
  - {name: slow, provider: up, model: slow, price: {input_per_mtok: "1", output_per_mtok: "2"}}
"""
MASTER = secrets.token_hex(32)
ON_SQLITE = "storage: {url: {env: RUNS_DATABASE}}\n"


class Server:
    """One node."""

    def __init__(self, folder: Path, database: str, *, idle_s: int = 3600) -> None:
        self.data, self._log = folder / "data", folder / "log"
        awake = "true" if idle_s > AWAKE_S else "false"
        written = CONFIG.replace("IDLE", str(idle_s)).replace("AWAKE", awake)
        self.refused = 0
        if not database:
            written = written.replace(ON_SQLITE, "")
        config = folder / "legato.yaml"
        config.write_text(written)
        environment = {
            **os.environ,
            "LEGATO_ADMIN_KEY": KEY,
            "RUNS_DATABASE": database,
            "RUNS_MASTER": MASTER,
        }
        command = [sys.executable, "-m", "legato", "up", "--config", config, "--data", self.data]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*map(str, command), "--port", "0"], env=environment, stderr=log
            )
        wait_until(lambda: "ready at" in self._log.read_text() or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise SystemExit(self._log.read_text())
        self.url = json.loads((self.data / "run" / "server.json").read_bytes())["url"]
        self.database = database or f"sqlite:///{self.data / 'legato.db'}"

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Return what an answer has; what is refused for a while is sent again, and counted."""
        while True:
            status, read = self._answer(method, path, body)
            if status != 503:
                break
            self.refused += 1
            time.sleep(0.2)
        if status >= 400:
            raise SystemExit(f"{method} {path}: {status} {read[:300]!r}")
        return json.loads(read)

    def _answer(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        parts = urlsplit(self.url)
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        sent = None if body is None else json.dumps(body)
        with closing(
            http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=RUN_S)
        ) as connection:
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def begin(self, nodes: list[dict[str, Any]], given: Any = None) -> str:
        body = {"workflow": "bench", "definition": {"nodes": nodes}, "input": given}
        run_id: str = self.send("POST", RUNS, body)["id"]
        return run_id

    def until(self, run_id: str, *statuses: str) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = self.send("GET", f"{RUNS}/{run_id}")
            if found["run"]["status"] in statuses:
                return found
            if found["run"]["status"] == "failed":
                raise SystemExit(json.dumps(found["run"]))
            time.sleep(0.05)

    def batch_process(self) -> int:
        """The youngest of its children, which has begun to work."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid), "--sort", "start_time,pid"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(listed.stdout.split()[-1])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


def wait_until(probe: Callable[[], Any], within_s: float = RUN_S, every_s: float = 0.02) -> None:
    until_s = time.monotonic() + within_s
    while not probe():
        if time.monotonic() > until_s:
            raise SystemExit("it takes too long")
        time.sleep(every_s)


@contextmanager
def servers(postgres: str, count: int = 1, *, idle_s: int = 3600) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        database = stack.enter_context(new_database(postgres)) if postgres else ""
        running = []
        for _ in range(count):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            running.append(Server(folder, database, idle_s=idle_s))
            stack.callback(running[-1].stop)
        yield running


@contextmanager
def new_database(postgres: str) -> Iterator[str]:
    name = f"bench_{secrets.token_hex(6)}"
    admin = create_engine(
        postgres.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield postgres.rpartition("/")[0] + f"/{name}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def at(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def told(name: str, milliseconds: list[float]) -> None:
    ordered = sorted(milliseconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    print(
        f"{name}: p50 {statistics.median(ordered):.1f} ms, p95 {p95:.1f} ms, "
        f"most {ordered[-1]:.1f} ms, {len(ordered)} samples"
    )
