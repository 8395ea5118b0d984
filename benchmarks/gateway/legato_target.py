"""Legato with everything on: one worker, its supervisor and its ledger process."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from benchmarks.gateway.judged import write_router
from benchmarks.gateway.launch import Launch, Place
from benchmarks.gateway.processes import BenchmarkFailed, free_port

_SECRET = "bench-key-of-no-value"  # noqa: S105 - made up, for a loopback upstream
_ROUTE = {"alias": "chat", "baseline": "large", "deployments": ["small", "large"]}
_SEMANTIC = {
    "cache": {"semantic": {}},
    "routes": [{**_ROUTE, "cache": {"semantic": {"bound": 0.01}}}],
}
_PARTS = ("supervisor", "ledger", "worker", "control", "batches")


def launch_legato(
    place: Place, kind: str = "openai_compatible", *, semantic: bool = False, routed: bool = False
) -> Launch:
    port, data = free_port(), place.folder / "data"
    config = place.folder / "legato.yaml"
    wanted = _configuration(place, port, kind)
    if semantic:
        wanted |= _SEMANTIC
    if routed:
        router = place.folder / "chat.router"
        write_router(router)
        wanted["routes"] = [_routed(router)]
    config.write_text(json.dumps(wanted))  # JSON is YAML too
    program = Path(sys.executable).with_name("legato")
    return Launch(
        [str(program), "up", "--config", str(config), "--data", str(data)],
        url=f"http://127.0.0.1:{port}/v1",
        model="chat",
        headers=[f"authorization: Bearer {_SECRET}"],
        env={"BENCH_KEY": _SECRET, "UPSTREAM_KEY": "none", "LEGATO_ADMIN_KEY": _SECRET + "-admin"},
        booked=lambda: booked_requests(data / "legato.db"),
        parts=_PARTS,
    )


def _routed(router: Path) -> dict[str, object]:
    """Return a route that asks the semantic cache, then the router."""
    return {
        **_ROUTE,
        "cache": {"semantic": {"bound": 0.01}},
        "strategy": "cheapest_good_enough",
        "quality": {"router": str(router)},
    }


def _configuration(place: Place, port: int, kind: str) -> dict[str, object]:
    provider = {
        "name": "upstream",
        "kind": kind,
        "base_url": place.upstream,
        "api_key": {"env": "UPSTREAM_KEY"},
    }
    if place.ca_file is not None:
        provider["ca_file"] = str(place.ca_file)
    price = {"input_per_mtok": "0.15", "output_per_mtok": "0.60"}
    deployment = {"name": "small", "provider": "upstream", "model": "mock", "price": price}
    key = {
        "name": "bench",
        "team": "platform",
        "feature": "bench",
        "secret": {"env": "BENCH_KEY"},
        "requests_per_minute": 1_000_000_000,
        "concurrency_max": 10_000,
        "budget": {"usd": "1000000", "window": "month"},
    }
    return {
        "config_version": 1,
        "server": {"host": "127.0.0.1", "port": port},
        "providers": [provider],
        "deployments": [deployment, {**deployment, "name": "large"}],
        "routes": [_ROUTE],
        "keys": [key],
    }


def booked_requests(database: Path) -> int:
    """Return how many requests both the ledger and the trace store hold.

    Raises:
        BenchmarkFailed: the database can't be read, so nobody knows what is still to do.
    """
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as ledger:
            entries = ledger.execute("select count(*) from ledger_entry").fetchone()[0]
            traces = ledger.execute("select sum(requests) from trace_block").fetchone()[0]
            return min(entries, traces or 0)
    except sqlite3.Error as error:
        raise BenchmarkFailed(f"the ledger can't be read: {error}") from error
