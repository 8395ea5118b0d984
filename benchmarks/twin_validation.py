"""Compares the digital twin with reality, and writes the tables of docs/explanation/twin.md.

`python benchmarks/twin_validation.py` prints them, `--write` puts them into the page. It starts a
real `legato up` on two simulated providers whose speed is known, sends it the same bursty traffic
twice, the second time with an outage of the first provider, and lets the twin say from the first
run alone what the second one is like. Takes two minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp

from legato.app.config.environment import environment as environment_variables
from legato.core.clock import SystemClock
from legato.providers.simulated.child import SimulatedChild
from legato.providers.simulated.settings import SimulatedSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "twin.md"
BEGIN, END = "<!-- written by benchmarks/twin_validation.py -->\n", "<!-- end of it -->\n"
SPAN_S, RATE = 40.0, 14.0
DOWN_S, UP_S = 12, 26
SEED = 20_261_121
START_S = 30.0
KEY = "lg-the-key-of-the-validation-run"
CONFIG = """\
config_version: 1
server: {port: 0}
cache: {enabled: false}
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 2, backoff_base_s: 0.1, backoff_max_s: 1.0}
breaker: {failures: 5, open_s: 3}
providers:
  - {name: first, kind: openai_compatible, base_url: "FIRST/v1"}
  - {name: second, kind: openai_compatible, base_url: "SECOND/v1"}
deployments:
  - {name: big, provider: first, model: big, price: {input_per_mtok: 2.5, output_per_mtok: 10}}
  - {name: small, provider: second, model: small, price: {input_per_mtok: 0.3, output_per_mtok: 1}}
routes:
  - {alias: chat, deployments: [big, small]}
  - {alias: light, deployments: [small]}
keys:
  - {name: app, team: web, feature: help, secret: {env: APP_KEY}}
"""
SCENARIO = """\
name: validation
traffic: {{since: "{since}", until: "{until}"}}
candidates:
  - {{name: unchanged}}
  - name: outage
    outages: [{{provider: first, start: {down}s, end: {up}s, after_ms: {after_ms}}}]
"""
SPEED = {"latency_jitter_ms": 60.0, "itl_ms": 4.0, "output_tokens_min": 8, "output_tokens_max": 60}
FIGURES = (
    "requests",
    "answered",
    "failed",
    "fell_back",
    "cost",
    "latency_ms_p50",
    "latency_ms_p95",
)


def arrivals() -> list[tuple[float, str, bool]]:
    """Bursts: when, to which route, streamed or whole."""
    random = Random(SEED)
    found, at_s = [], 0.0
    while (at_s := at_s + random.expovariate(RATE / 3)) < SPAN_S:
        for _ in range(random.choice((1, 2, 3, 6))):
            found.append(
                (at_s, random.choice(("chat", "chat", "chat", "light")), random.random() < 0.5)
            )
            at_s += random.random() * 0.05
    return [one for one in found if one[0] < SPAN_S]


@contextmanager
def served(folder: Path, first: SimulatedChild, second: SimulatedChild) -> Iterator[str]:
    """Run `legato up` and yield its address."""
    config = folder / "legato.yaml"
    text = CONFIG.replace("FIRST", first.url).replace("SECOND", second.url)
    config.write_text(text)
    log = folder / "log"
    environment = dict(environment_variables()) | {"APP_KEY": KEY}
    command = [sys.executable, "-m", "legato", "up", "--config", config, "--data", folder / "data"]
    with log.open("wb") as output:
        process = subprocess.Popen(list(map(str, command)), env=environment, stderr=output)
    try:
        until_s = time.monotonic() + START_S
        while "ready at" not in log.read_text():
            if process.poll() is not None or time.monotonic() > until_s:
                raise SystemExit(log.read_text())
            time.sleep(0.05)
        yield json.loads((folder / "data" / "run" / "server.json").read_bytes())["url"]
    finally:
        process.terminate()
        process.wait(30)


def now() -> str:
    """The time as a scenario names it."""
    return datetime.fromtimestamp(SystemClock().now_ns() / 1e9, UTC).isoformat()


async def send(url: str, first: SimulatedChild, *, outage: bool) -> tuple[str, str]:
    """Send the traffic; return from when to when, as the scenario names times."""
    loop = asyncio.get_running_loop()
    began = now()
    started_s = loop.time()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        calls = [
            loop.create_task(
                call(session, url, started_s + at_s, route, stream=stream, user=n % 40)
            )
            for n, (at_s, route, stream) in enumerate(arrivals())
        ]
        if outage:
            await asyncio.sleep(arrivals()[0][0] + DOWN_S)
            await loop.run_in_executor(None, lambda: first.change(error_rate=1.0))
            await asyncio.sleep(UP_S - DOWN_S)
            await loop.run_in_executor(None, lambda: first.change(error_rate=0.0))
        await asyncio.gather(*calls)
    await asyncio.sleep(2.0)  # the ledger follows
    return began, now()


async def call(
    session: aiohttp.ClientSession, url: str, at_s: float, route: str, *, stream: bool, user: int
) -> None:
    await asyncio.sleep(max(0.0, at_s - asyncio.get_running_loop().time()))
    question = f"Question of user {user}: " + "what about this? " * (user % 7)
    body = {
        "model": route,
        "messages": [{"role": "user", "content": question}],
        "stream": stream,
        "user": f"user-{user}",
    }
    headers = {"authorization": f"Bearer {KEY}"}
    async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
        await answer.read()


def twin(folder: Path, period: tuple[str, str], after_ms: float) -> dict[str, Any]:
    """Run the scenario over a period and return its report."""
    scenario = folder / "scenario.yaml"
    since, until = period
    scenario.write_text(
        SCENARIO.format(since=since, until=until, down=DOWN_S, up=UP_S, after_ms=after_ms)
    )
    command = [sys.executable, "-m", "legato", "twin", "run", scenario, "--json"]
    command += ["--data", folder / "data"]
    done = subprocess.run(list(map(str, command)), capture_output=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def rows(predicted: dict[str, Any], real: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield "| figure | the twin | reality | difference |"
    yield "|---|---|---|---|"
    for name in FIGURES:
        said, was = predicted[name], real[name]
        gap = f"{said - was:+,}" if name != "cost" else f"{(said - was) / was:+.2%}"
        if name.startswith("latency"):
            gap = f"{(said - was) / was:+.1%}"
        shown = [f"{one:,.1f}" if isinstance(one, float) else f"{one:,}" for one in (said, was)]
        label = {"cost": "cost, nano-USD", "fell_back": "fell back"}.get(name, name)
        yield f"| {label.replace('_', ' ')} | {shown[0]} | {shown[1]} | {gap} |"


def validate(folder: Path) -> str:
    """Return the tables."""
    quick = SimulatedSettings(seed=1, latency_ms=120.0, **SPEED)
    slow = SimulatedSettings(seed=2, latency_ms=250.0, **SPEED)
    for name in ("first", "second"):
        (folder / name).mkdir()
    with (
        SimulatedChild(folder / "first", slow) as first,
        SimulatedChild(folder / "second", quick) as second,
    ):
        with served(folder, first, second) as url:
            plain = asyncio.run(send(url, first, outage=False))
            down = asyncio.run(send(url, first, outage=True))
        before = twin(folder, plain, after_ms=250.0)
        after = twin(folder, down, after_ms=250.0)
    closing = before["closing"]
    lines = ["Without a change:", ""]
    lines += rows(before["as_is"]["groups"]["total"], before["recorded"]["total"])
    lines += ["", "The outage, said from the run without one:", ""]
    outage = next(one for one in before["candidates"] if one["name"] == "outage")
    lines += rows(outage["groups"]["total"], after["recorded"]["total"])
    read, ledger = closing["read"], closing["ledger"]
    told = f"The first run's recorded world has {read:,} nano-USD, the ledger {ledger:,}."
    lines += ["", told]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables = validate(Path(folder))
    print(tables)
    if options.write:
        page = PAGE.read_text()
        head, _, rest = page.partition(BEGIN)
        PAGE.write_text(head + BEGIN + tables + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
