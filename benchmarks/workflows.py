"""Runs of workflows in a real `legato up`: what a step costs, how soon news and deaths are noticed.

python benchmarks/workflows.py [steps signal asleep takeover fanout letters check]
    [--postgres postgresql://USER@HOST/DATABASE]

Each part starts servers of its own in an empty folder, on SQLite or in a new database of that
Postgres. `steps` runs bare DBOS in this process between the program's runs, on a database of the
same kind. Times of steps are those that the program recorded, on the clock of this machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import create_engine, text

from legato.flow.checking import check_definition
from legato.flow.definition import Definition
from legato.storage.database.engine import make_file

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


# ------------------------------------------------------------------------------- steps


def steps(postgres: str, rounds: int = 7, length: int = 100) -> None:
    """A step of a run of the program beside a step of bare DBOS, one after the other."""
    chain = [
        {"kind": "set", "id": f"n{n}", "value": n, "after": [f"n{n - 1}"] if n else []}
        for n in range(length)
    ]
    with servers(postgres) as (server,), bare_dbos(postgres) as work:
        for n in range(2):
            server.until(server.begin(chain), "done")
            work(f"warm-{n}", 10)
        pairs = []
        for number in range(rounds):
            found = server.until(server.begin(chain), "done")
            done = [one for one in found["steps"] if not one["name"]]
            span_s = max(at(one["ended_at"]) for one in done) - min(
                at(one["started_at"]) for one in done
            )
            pairs.append((1000 * span_s / length, 1000 * work(f"run-{number}", length) / length))
    ratios = [ours / theirs for ours, theirs in pairs]
    print(
        f"steps: {statistics.median(p[0] for p in pairs):.2f} ms a step, bare DBOS "
        f"{statistics.median(p[1] for p in pairs):.2f} ms, ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}), {rounds} rounds of {length}"
    )


@contextmanager
def bare_dbos(postgres: str) -> Iterator[Callable[[str, int], float]]:
    """Yield what runs a workflow of so many steps and returns how many seconds these took."""
    with ExitStack() as stack:
        if postgres:
            url = stack.enter_context(new_database(postgres))
            url = url.replace("postgresql:", "postgresql+psycopg:")
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            url = f"sqlite:///{folder}/dbos.db"
            make_file(url)  # with a write-ahead log, as ours
        DBOS(
            config={
                "name": "bench",
                "system_database_url": url,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "ERROR",
                "enable_otlp": False,
            }
        )

        @DBOS.workflow()
        def chain(length: int) -> float:
            began = time.perf_counter()
            for number in range(length):
                DBOS.run_step({"name": f"n{number}"}, lambda number=number: number)
            return time.perf_counter() - began

        DBOS.launch()
        stack.callback(DBOS.destroy)

        def work(run_id: str, length: int) -> float:
            with SetWorkflowID(run_id):
                return chain(length)

        yield work


# ------------------------------------------------------------------------------- signal

ASKS = [
    {"kind": "human", "id": "ok", "subject": "Pay?"},
    {"kind": "set", "id": "then", "value": 1, "after": ["ok:approved"]},
]


def _decided(server: Server, run_id: str) -> tuple[str, float]:
    """Decide a run's task; return the run, and when this was sent."""
    tasks = server.send("GET", "/api/v1/tasks?state=open&limit=500")["data"]
    (task,) = [one["id"] for one in tasks if one["run_id"] == run_id]
    sent = time.time()
    server.send("POST", f"/api/v1/tasks/{task}/decide", {"verdict": "approve"})
    return run_id, sent


def _next_step_ms(server: Server, run_id: str, sent: float) -> float:
    found = server.until(run_id, "done")
    (then,) = [one for one in found["steps"] if (one["node"], one["name"]) == ("then", "")]
    return 1000 * (at(then["started_at"]) - sent)


def signals(postgres: str, count: int = 100) -> None:
    """From the approval's request to the next step, where the process is awake."""
    with servers(postgres) as (server,):
        runs = [server.begin(ASKS) for _ in range(count)]
        for one in runs:
            server.until(one, "waiting")
        sent = []
        for one in runs:
            time.sleep(0.1 + secrets.randbelow(200) / 1000)
            sent.append(_decided(server, one))
        told("approval to next step", [_next_step_ms(server, *one) for one in sent])


def asleep(postgres: str, count: int = 6) -> None:
    """The same where the process that runs workflows has ended meanwhile, as it may be told to."""
    with servers(postgres, idle_s=1) as (server,):
        took = []
        for _ in range(count):
            run_id = server.begin(ASKS)
            server.until(run_id, "waiting")
            time.sleep(5)
            took.append(_next_step_ms(server, *_decided(server, run_id)))
        told("approval to next step, asleep", took)


# ----------------------------------------------------------------------------- take-over


def takeover(postgres: str, kills: int = 10, runs: int = 12) -> None:
    """From the death of a process to the begin of its runs elsewhere, or in its successor."""
    chain = [
        {"kind": "prompt", "id": f"n{n}", "model": "slow", "user": "x",
         "after": [f"n{n - 1}"] if n else []}
        for n in range(40)
    ]  # fmt: skip
    with servers(postgres, 2 if postgres else 1) as nodes:
        for number in range(runs * len(nodes)):
            nodes[number % len(nodes)].begin(chain)
        database = create_engine(nodes[0].database.replace("postgresql:", "postgresql+psycopg:"))

        def holders() -> dict[str, str]:
            wanted = "SELECT id, executor FROM workflow_run WHERE status = 'running'"
            with database.connect() as connection:
                return {row.id: row.executor for row in connection.execute(text(wanted))}

        wait_until(lambda: len(holders()) == runs * len(nodes))
        took: list[float] = []
        for number in range(kills):
            time.sleep(5.0)  # beats, and the successor judges others again
            before = holders()
            node = nodes[number % len(nodes)]
            os.kill(node.batch_process(), signal.SIGKILL)
            killed = time.monotonic()
            held, last = dict(before), killed
            while time.monotonic() < last + 5.0:
                for run_id, executor in holders().items():
                    if held.get(run_id) != executor:
                        took.append(1000 * (time.monotonic() - killed))
                        held[run_id], last = executor, time.monotonic()
                time.sleep(0.02)
        database.dispose()
        told("take-over", took)


# ------------------------------------------------------------------------------- fan-out


def fanout(postgres: str, items: int = 1_000) -> None:
    """How much the process grows by a loop over so many."""
    body = {"nodes": [{"kind": "set", "id": "one", "value": {"twice": "${item * 2}"}}]}
    loop = [{"kind": "for", "id": "each", "each": "input", "at_once": 32, "do": body}]
    with servers(postgres) as (server,):
        server.until(server.begin(loop, list(range(10))), "done")
        pid = server.batch_process()
        for at_once in (32, 1_000):
            loop[0]["at_once"] = at_once
            before, most = rss_mib(pid), 0.0
            began = time.monotonic()
            run_id = server.begin(loop, list(range(items)))
            looked = 0.0
            while True:
                most = max(most, rss_mib(pid))
                if time.monotonic() > looked + 2.0:
                    looked = time.monotonic()
                    if server.send("GET", f"{RUNS}/{run_id}")["run"]["status"] == "done":
                        break
                time.sleep(0.05)
            took_s = time.monotonic() - began
            found = server.until(run_id, "done")
            assert found["run"]["output"][-1] == {"twice": 2 * (items - 1)}  # noqa: S101
            print(
                f"fan-out of {items}, {at_once} at once: {took_s:.1f} s, RSS {before:.0f} MiB "
                f"before, at most {most:.0f} MiB"
            )


def rss_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


# -------------------------------------------------------------------------- dead letters


def letters(postgres: str, count: int = 10_000) -> None:
    """Runs that fail, their list by API and command, and all of them begun again."""
    nodes = [
        {"kind": "raise", "id": "no", "when": "!has(input.fine)", "code": "no", "message": "no"}
    ]
    with servers(postgres) as (server,):
        began = time.monotonic()
        with ThreadPoolExecutor(8) as some:
            list(some.map(lambda n: server.begin(nodes, {"n": n}), range(count)))
        started_s = time.monotonic() - began
        database = create_engine(server.database.replace("postgresql:", "postgresql+psycopg:"))

        def statuses() -> Counter[str]:
            wanted = "SELECT status, count(*) FROM workflow_run GROUP BY status"
            with database.connect() as connection:
                return Counter(dict(map(tuple, connection.execute(text(wanted)))))

        wait_until(lambda: statuses()["failed"] == count, every_s=1)
        print(f"{count} runs started in {started_s:.0f} s, failed after "
              f"{time.monotonic() - began:.0f} s, {server.refused} sent again")  # fmt: skip
        for limit in (20, 100, 500):
            took = []
            for _ in range(10):
                asked = time.perf_counter()
                page = server.send("GET", f"{LETTERS}?limit={limit}")
                took.append(1000 * (time.perf_counter() - asked))
                assert len(page["data"]) == limit  # noqa: S101
            told(f"page of {limit} of {count} letters", took)
        asked = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "legato", "workflow", "dead-letters", "list", "-n", "500",
             "--data", server.data, "--key", KEY],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        print(f"by command, 500: {1000 * (time.perf_counter() - asked):.0f} ms")
        asked = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "legato", "workflow", "dead-letters", "redrive", "--all",
             "--input", '{"fine": true}', "--data", server.data, "--key", KEY],
            check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        print(f"{done.stdout.strip()} in {time.perf_counter() - asked:.1f} s")
        wait_until(lambda: statuses()["done"] == count, every_s=1)
        print(f"all done {time.perf_counter() - asked:.0f} s after the command")
        database.dispose()


# ----------------------------------------------------------------------------- validation


def check(postgres: str) -> None:
    """A graph of 200 nodes checked by the control API."""
    nodes: list[dict[str, Any]] = [{"kind": "set", "id": "n0", "value": 1}]
    for n in range(1, 200):
        before = [f"n{b}" for b in {n - 1, n // 2}]
        value = f"${{has(steps.{before[0]}) ? steps.{before[0]}.output : 0}}"
        nodes.append({"kind": "set", "id": f"n{n}", "value": value, "after": before})
    with servers(postgres) as (server,):
        took = []
        wish = {"definition": {"nodes": nodes}}
        server.send("POST", "/api/v1/workflows/validate", wish)  # which loads the control API
        for _ in range(40):
            asked = time.perf_counter()
            found = server.send("POST", "/api/v1/workflows/validate", wish)
            took.append(1000 * (time.perf_counter() - asked))
            assert found["valid"]  # noqa: S101
        told("200 nodes validated, with the request", took)
    definition, took = msgspec.convert({"nodes": nodes}, Definition), []
    for _ in range(40):
        asked = time.process_time()
        check_definition(definition)
        took.append(1000 * (time.process_time() - asked))
    told("200 nodes validated, computing", took)


PARTS: dict[str, Callable[[str], None]] = {
    "check": check,
    "steps": steps,
    "signal": signals,
    "asleep": asleep,
    "takeover": takeover,
    "fanout": fanout,
    "letters": letters,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--postgres", default="", help="a server to make databases in")
    given = parser.parse_args()
    for name in given.parts or PARTS:
        load = os.getloadavg()[0]
        print(f"-- {name}, {'postgres' if given.postgres else 'sqlite'}, load {load:.1f}")
        PARTS[name](given.postgres)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
