"""Runs of workflows in a real `legato up`: what a step costs, how soon news and deaths are noticed.

python -m benchmarks workflows [steps begin signal asleep takeover fanout letters check]
    [--postgres postgresql://USER@HOST/DATABASE]

Each part starts servers of its own in an empty folder, on SQLite or in a new database of that
Postgres. `steps` runs bare DBOS in this process between the program's runs, on a database of the
same kind. Times of steps are those that the program recorded, on the clock of this machine.
"""

from __future__ import annotations

import argparse
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
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import create_engine, text

from benchmarks.workflow_server import (
    KEY,
    LETTERS,
    RUNS,
    Server,
    at,
    new_database,
    servers,
    told,
    wait_until,
)
from legato.flow.checking import check_definition
from legato.flow.definition import Definition
from legato.storage.database.engine import make_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


# -------------------------------------------------------------------------------- begin


def begins(postgres: str, count: int = 1_000, at_once: int = 30, rounds: int = 3) -> None:
    """Requests that begin runs of three nodes, so many at once; none is to be refused."""
    chain = [
        {"kind": "set", "id": f"n{n}", "value": n, "after": [f"n{n - 1}"] if n else []}
        for n in range(3)
    ]
    with servers(postgres) as (server,), ThreadPoolExecutor(at_once) as some:

        def begun(_: int) -> tuple[str, float]:
            asked = time.perf_counter()
            return server.begin(chain), 1000 * (time.perf_counter() - asked)

        for number in range(rounds):
            began, refused = time.perf_counter(), server.refused
            came = list(some.map(begun, range(count)))
            told(f"round {number}, {at_once} at once: a run begun", [took for _, took in came])
            print(f"{time.perf_counter() - began:.1f} s, {server.refused - refused} refused")
            for run_id, _ in came:
                server.until(run_id, "done")
            print(f"all done after {time.perf_counter() - began:.1f} s")


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
    "begin": begins,
    "signal": signals,
    "asleep": asleep,
    "takeover": takeover,
    "fanout": fanout,
    "letters": letters,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks workflows", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--postgres", default="", help="a server to make databases in")
    given = parser.parse_args(arguments)
    for name in given.parts or PARTS:
        load = os.getloadavg()[0]
        print(f"-- {name}, {'postgres' if given.postgres else 'sqlite'}, load {load:.1f}")
        PARTS[name](given.postgres)
        sys.stdout.flush()
    return 0
