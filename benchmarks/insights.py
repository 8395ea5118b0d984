"""Insights at scale: what the console's and the report's questions take over a year of entries.

    python -m benchmarks insights [entries] [--requests N] [--data DIR] [--database URL]

The instance is a real one: its first start makes the tables; entries are written as the ledger
writes them, traces by the ledger's own writer, sums by the roller. Then the handler of each
endpoint is called, and its answer encoded, as the server does; `legato report` runs as a command.
DIR is kept and used again. A database that is named must be empty, or filled by an earlier run.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Engine, select

from benchmarks.rollups import DAYS, TAIL, fill, rows
from legato.api.control.cursors import Cursors
from legato.api.control.resources import insights as insight_api
from legato.api.control.resources import ledger as ledger_api
from legato.api.control.resources import requests as request_api
from legato.app.checks.instance import find_instance
from legato.app.desks.insights import InsightDesk, stored_insights
from legato.app.desks.stored_data import stored_data
from legato.core.records import Served, encode_record
from legato.core.tenant import EVERY_TENANT, Reach, Tenant
from legato.core.usage import Usage
from legato.storage.database.engine import open_engine, reading, writing
from legato.storage.ledger.batch import ServedHead
from legato.storage.ledger.entries import EntryFilter, EntryReader
from legato.storage.ledger.sums import SpendSums
from legato.storage.ledger.trace_blocks import Block, Place, add_traces
from legato.storage.rollups.guard_rolling import GuardRoller
from legato.storage.rollups.reading import DAY_NS
from legato.storage.rollups.rolling import ROLLUPS, Roller
from legato.storage.tables.schema import ledger_entry, trace_block

CONFIG: Final = """config_version: 1
server: {port: 0}
telemetry: {trace_retention_days: 3650}
providers: [{name: p0, kind: simulated}]
deployments: [{name: d0-0, provider: p0, model: m-d0-0}]
routes: [{alias: r0, deployments: [d0-0]}]
"""
PER_COMMIT: Final = 50
COMMITS_AT_ONCE: Final = 200
TIMES: Final = 15
READY_S: Final = 120.0
STOP_S: Final = 60.0
ORG: Final = "acme"
ORGS: Final = ("acme", "acme", "acme", "globex", "initech", "hooli")
_TAGS, _REQUEST, _AT = 7, 0, 22
_PLAIN: Final = SimpleNamespace


class Took(NamedTuple):
    """Milliseconds of the clock: the median, and the slowest of all; milliseconds of processor."""

    median_ms: float
    most_ms: float
    cpu_ms: float


def tagged(made: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Give entries ids of their time; make each tenth one of four calls of a workflow's run."""
    drawn = random.Random(2)
    for number, row in enumerate(made):
        one = list(row)
        one[_REQUEST] = f"{row[_AT] // 1_000_000 << 16 | 0x7000:016x}{0x8 << 60 | number:016x}"
        if number % 10 == 0:
            run = number // 40
            one[_TAGS] = (
                f'{{"run":"{run:032x}","node":"n{drawn.randrange(3)}","workflow":"w{run % 8}"}}'
            )
        yield tuple(one)


def served(count: int, end_ns: int) -> Iterator[tuple[ServedHead, bytes]]:
    """Yield a year's requests in the order they came, as the gateway's journal has them."""
    drawn = random.Random(3)
    apart_ns = DAYS * DAY_NS // count
    for number in range(count):
        at_ns = end_ns - (count - number) * apart_ns
        which = drawn.randrange(24)
        org, code = ORGS[which % 6], "provider_error" if drawn.random() < 0.02 else ""
        request_id = f"{at_ns // 1_000_000 << 16 | 0x7000:016x}{0x8 << 60 | number:016x}"
        one = Served(
            request_id, at_ns, org, f"team{which % 8}", f"f{which:02}", f"f{which:02}-key0",
            "openai.chat", f"r{which % 4}", f"d{which % 4}-0", f"p{which % 3}", f"m-{which % 4}",
            1, 502 if code else 200, code, False, "hit" if drawn.random() < 0.2 else "miss", 41_000,
            812_345, 201_400, 811_900, (("authenticate", 4), ("route", 9), ("call", 811_900)), "",
            "", False, Usage(812, 0, 0, 0, 240),
        )  # fmt: skip
        yield ServedHead(request_id, at_ns, org), encode_record(one)


def fill_requests(engine: Engine, count: int, end_ns: int) -> None:
    """Keep traces as the ledger does with what a commit brings."""
    made, began, written = served(count, end_ns), time.perf_counter(), 0
    while some := list(islice(made, PER_COMMIT * COMMITS_AT_ONCE)):
        with writing(engine) as connection:
            for first in range(0, len(some), PER_COMMIT):
                written += 1
                block = Block("bench-0/1", written, Place(0, 0))
                add_traces(connection, block, some[first : first + PER_COMMIT])
    print(f"{count:,} requests written in {time.perf_counter() - began:.0f} s", flush=True)


def roll(engine: Engine) -> None:
    """Take all but the newest entries into the sums, and all traces into those of guardrails."""
    roller = Roller(engine)
    for rollup in ROLLUPS:
        behind, began, cpu = roller.behind(rollup.name), time.perf_counter(), time.process_time()
        while roller.behind(rollup.name) > TAIL:
            roller.roll(rollup.name)
        if behind > TAIL:
            took, spent = time.perf_counter() - began, time.process_time() - cpu
            each = f"{took / behind * 1e6:.2f} us an entry, {spent / behind * 1e6:.2f} of processor"
            print(f"sums {rollup.name}: {each}", flush=True)
    while GuardRoller(engine).roll():
        pass


def timed(work: Callable[[], object], times: int = TIMES) -> Took:
    """Call it and encode what it returns, so many times."""
    took, cpu = [], time.process_time()
    for _ in range(times):
        began = time.perf_counter()
        msgspec.json.encode(work())
        took.append((time.perf_counter() - began) * 1e3)
    spent = (time.process_time() - cpu) * 1e3 / times
    return Took(statistics.median(took), max(took), spent)


def handler(route: Any, **given: Any) -> Callable[[], object]:
    """Return what the server calls for an endpoint."""
    return partial(route.fn, **given)


def of_dashboards(desk: InsightDesk, reach: Reach) -> dict[str, Callable[[], object]]:
    """Return what the console's pages of money ask, by what one sees there."""
    asked = {
        "overview: waterfall by day": ("waterfall", "day"),
        "overview: requests by deployment, outcome": ("requests", "deployment,outcome"),
        "overview: spend by deployment": ("spend", "deployment"),
        "overview: latency by deployment": ("latency-p95", "deployment"),
        "overview: cache hits": ("cache-hit-rate", ""),
        "overview: policy triggers": ("policy-triggers", ""),
        "spend by team, feature": ("spend", "team,feature"),
        "spend by model, day": ("spend", "model,day"),
        "cost of a request by feature": ("cost-per-request", "feature"),
        "cost of a user": ("cost-per-user", ""),
        "cost of a run": ("cost-per-run", ""),
        "token optimisation by team": ("token-optimisation", "team"),
    }
    of_a_key = {
        "a key's requests by model": ("requests", "f00-key0"),
        "a key's spend by model": ("spend", "f00-key0"),
        "a key that spent nothing": ("spend", "none"),
    }
    found = {}
    for what, (insight_id, by) in asked.items():
        given: dict[str, Any] = {"insights": desk.insights(reach), "insight_id": insight_id}
        found[what] = handler(insight_api.show_insight, **given, by=by)
    for what, (insight_id, key) in of_a_key.items():
        given = {"insights": desk.insights(reach), "insight_id": insight_id}
        found[what] = handler(insight_api.show_insight, **given, by="model", key=key)
    if isinstance(reach, Tenant):
        services = _PLAIN(insights=desk)
        caller = _PLAIN(tenant=lambda _: reach)
        found["savings"] = handler(insight_api.show_savings, services=services, caller=caller)
    return found


class Lists:
    """What the console asks of single requests and entries."""

    def __init__(self, engine: Engine, reach: Reach, end_ns: int) -> None:
        cursors = Cursors(b"benchmark-benchmark-benchmark-be")
        services = _PLAIN(
            entries=partial(EntryReader, engine), sums=partial(SpendSums, engine), cursors=cursors
        )
        self._given = {"services": services, "caller": _PLAIN(narrowed=lambda _: reach)}
        self._end_ns = end_ns

    def questions(self) -> dict[str, Callable[[], object]]:
        """Return them; each calls an endpoint once."""
        asked = partial(handler, request_api.list_requests, **self._given)
        month = self._end_ns - 30 * DAY_NS
        wanted = ledger_api.Wanted
        entries = partial(handler, ledger_api.list_entries, **self._given)
        return {
            "requests: newest 50": asked(),
            "requests: page 20": asked(cursor=self._cursor(20)),
            "requests: of half a year ago": asked(until=_moment(self._end_ns - 180 * DAY_NS)),
            "requests: errors": asked(status="error"),
            "requests: a feature that had none": asked(feature="none"),
            "entries: newest 50": entries(wanted=wanted(EntryFilter(), None)),
            "entries: of a key": entries(wanted=wanted(EntryFilter(key_id="f00-key1"), None)),
            "entries: of a request": entries(wanted=wanted(EntryFilter(request_id="0" * 32), None)),
            "sums: a key's 30 days by model": handler(
                ledger_api.sum_entries,
                **self._given,
                wanted=wanted(EntryFilter(key_id="f00-key0", since_ns=month), None),
                by="model",
            ),
        }

    def _cursor(self, pages: int) -> str | None:
        found = None
        for _ in range(pages):
            found = request_api.list_requests.fn(**self._given, cursor=found).next_cursor
        return found


def _moment(at_ns: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ns // 10**9))


@contextmanager
def instance(data: Path, config: Path, database: str) -> Iterator[Mapping[str, str]]:
    """Start it once, so that it makes its keys and tables; yield the environment of commands."""
    env = dict(os.environ)
    text = CONFIG
    if database:
        text += "storage: {url: {env: LEGATO_DATABASE}}\n"
        env["LEGATO_DATABASE"] = os.environ["LEGATO_DATABASE"] = database
    config.write_text(text)
    command = [*_legato(), "up", "--data", str(data), "--config", str(config)]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + READY_S
        told = ""
        while process.stderr is not None and time.monotonic() < until:
            told = process.stderr.readline()
            if "ready at" in told or not told:
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=STOP_S)
    if "ready at" not in told:
        sys.exit(f"legato up didn't start: {told}")
    yield env


def reports(data: Path, config: Path, env: Mapping[str, str], folder: Path) -> None:
    """Write a year as workbooks, as a command that begins at nothing."""
    for kind in ("savings", "roi"):
        out = folder / f"{kind}.xlsx"
        given = ["--data", str(data), "--config", str(config), "--org", ORG, "--period", "365d"]
        began = time.perf_counter()
        subprocess.run(
            [*_legato(), "report", kind, *given, "--out", str(out)],
            env=env,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        print(f"  report {kind}, a year: {time.perf_counter() - began:.2f} s", flush=True)


def show(title: str, found: Mapping[str, Callable[[], object]]) -> None:
    """Print what each takes."""
    took = {what: timed(work) for what, work in found.items()}
    median = statistics.median(one.median_ms for one in took.values())
    print(f"{title}: median of all {median:.1f} ms; median, slowest, processor")
    for what, one in took.items():
        print(f"  {what:44} {one.median_ms:8.1f} {one.most_ms:8.1f} {one.cpu_ms:8.1f}", flush=True)


def measure(options: argparse.Namespace, folder: Path) -> None:
    data = options.data or folder / "data"
    config = folder / "legato.yaml"
    today = time.time_ns() // DAY_NS
    with instance(data, config, options.database) as env:
        found = find_instance(data, config)
        engine = open_engine(found.database_url)
        with reading(engine) as connection:
            has_entries = connection.execute(select(ledger_entry.c.id).limit(1)).first()
            has_requests = connection.execute(select(trace_block.c.id).limit(1)).first()
        if not has_entries and options.entries:
            fill(engine, tagged(rows(options.entries, today - DAYS + 1)))
        if not has_requests and options.requests:
            fill_requests(engine, options.requests, (today + 1) * DAY_NS)
        roll(engine)
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        with stored_data(found) as stored:
            desk = stored_insights(stored, found)
            for reach in (Tenant(ORG), EVERY_TENANT):
                show(f"dashboards, {reach}", of_dashboards(desk, reach))
                lists = Lists(engine, reach, (today + 1) * DAY_NS)
                show(f"lists, {reach}", lists.questions())
        reports(data, config, env, folder)
        print(f"load {os.getloadavg()[0]:.1f}")
        engine.dispose()


def _legato() -> Sequence[str]:
    return [sys.executable, "-m", "legato"]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks insights", description=__doc__)
    parser.add_argument("entries", nargs="?", type=int, default=100_000)
    parser.add_argument("--requests", type=int, help="[default: as many as entries]")
    parser.add_argument("--data", type=Path, help="the instance's directory, kept")
    parser.add_argument("--database", default="", help="postgresql://...: used instead of SQLite")
    options = parser.parse_args(arguments)
    if options.requests is None:
        options.requests = options.entries
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder))
    return 0
