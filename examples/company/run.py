"""Runs the worked example: the same calls before and after, each through a real gateway.

    python run.py [--speed 10] [--out FOLDER]

Before: every call goes to the frontier model. After: the exact cache answers what was asked
before, and a rule sends each feature to the model it needs. Both run `legato up` with simulated
models at the price book's list prices; what is printed comes from the two ledgers.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from traffic import SHARES, Question, questions

HERE = Path(__file__).parent
MODELS = {"helpdesk": "small", "letters": "mid", "claims": "frontier"}
TEAM = "service"
AT_ONCE = 16
READY_S = 60
SETTLED_S = 60
OK = 200

# Assumed of the company; change them, or say better ones with `legato assumptions set`.
REQUESTS_MONTH = Decimal(1_200_000)
USD_AN_HOUR = Decimal(95)
HOURS_A_PLACE_BEFORE = Decimal(4)  # a month: keys, retries, models and prompts of each place
HOURS_A_PLACE_AFTER = Decimal("0.5")  # a month: its address and key
HOURS_GATEWAY = Decimal(4)  # a month: prices, routes, updates
HOURS_TO_MOVE = Decimal(80)  # once
USD_MACHINE_MONTH = Decimal(60)
# What the field quotes.
FIELD_COST, FIELD_HOURS, FIELD_MONTHS = Decimal("0.6"), Decimal("0.8"), 6


def legato(*arguments: str | Path) -> Any:
    """Run a command that prints JSON, and return what it printed."""
    command = [sys.executable, "-m", "legato", *map(str, arguments)]
    environment = os.environ | {"NOT_NEEDED": "-"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"legato {' '.join(map(str, arguments))}\n{done.stderr}")
    return json.loads(done.stdout) if done.stdout else None


def list_prices() -> dict[str, dict[str, str]]:
    """Return what each model charges by the price book, in dollars per million tokens."""
    with tempfile.TemporaryDirectory() as folder:
        found = legato(
            "prices", "list", "--json", "--config", HERE / "vendors.yaml", "--data", folder
        )
    return {one["deployment"]: one["usd_per_mtok"] for one in found["deployments"]}


def configuration(world: str) -> str:
    """Return the configuration of the world `before` or `after`, as YAML (which JSON is)."""
    deployments = [
        {
            "name": name,
            "provider": "vendor",
            "model": name,
            "price": {"input_per_mtok": usd["in_uncached"], "output_per_mtok": usd["out_text"]},
        }
        for name, usd in list_prices().items()
    ]
    rules = [
        {"name": feature, "when": f'feature == "{feature}"', "use": [model]}
        for feature, model in MODELS.items()
    ]
    before = {"alias": "assistant", "deployments": ["frontier"], "cache": {"enabled": False}}
    after = {
        "alias": "assistant",
        "deployments": list(MODELS.values()),
        "baseline": "frontier",
        "rules": rules,
    }
    behaviour = {"output_tokens_min": 4096, "output_tokens_max": 4096, "error_rate": 0.01}
    return json.dumps(
        {
            "config_version": 1,
            "server": {"port": 0},
            "providers": [{"name": "vendor", "kind": "simulated", "settings": behaviour}],
            "deployments": deployments,
            "routes": [before if world == "before" else after],
        }
    )


@contextmanager
def started(folder: Path, world: str) -> Iterator[str]:
    """Run `legato up` in a folder; yield its address."""
    folder.mkdir(parents=True)
    config = folder / "legato.yaml"
    config.write_text(configuration(world))
    command = [sys.executable, "-m", "legato", "up", "--config", config, "--data", folder / "data"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
        try:
            yield _address(folder / "log")
        finally:
            server.terminate()
            server.wait()


def _address(log: Path) -> str:
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        for line in log.read_text().splitlines():
            if "ready at " in line:
                return line.partition("ready at ")[2].split()[0]
        time.sleep(0.1)
    sys.exit(log.read_text())


def replay(address: str, keys: dict[str, str], asked: list[Question], speed: float) -> int:
    """Send all calls when they came, `speed` times as fast; return how many failed."""
    began_s = time.monotonic()

    def call(question: Question) -> bool:
        time.sleep(max(0.0, question.at_s / speed - (time.monotonic() - began_s)))
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        body = {
            "model": "assistant",
            "max_tokens": question.output_tokens,
            "messages": [{"role": "user", "content": question.text}],
        }
        headers = {"authorization": f"Bearer {keys[question.feature]}"}
        headers["content-type"] = "application/json"
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status == OK
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(not good for good in pool.map(call, asked))


def lived(folder: Path, world: str, asked: list[Question], speed: float) -> dict[str, Any]:
    """Live through a world; return its ledger's sum."""
    data = folder / "data"
    with started(folder, world) as address:
        keys = {
            feature: legato("keys", "create", "--team", TEAM, "--feature", feature, "--json",
                            "--data", data)["secret"]
            for feature in SHARES
        }  # fmt: skip
        failed = replay(address, keys, asked, speed)
        _await_ledger(data, len(asked) - failed)
    print(f"{world:<7} {len(asked):>6,} calls, {failed} failed")
    return legato("ledger", "sum", "--json", "--data", data)


def _await_ledger(data: Path, requests: int) -> None:
    until_s = time.monotonic() + SETTLED_S
    while legato("ledger", "sum", "--json", "--data", data)["total"]["requests"] < requests:
        if time.monotonic() > until_s:
            sys.exit("the ledger hasn't taken everything in")
        time.sleep(0.5)


def calls_in_code() -> int:
    """Return how many places of the company's code call a model, by `legato audit-code`."""
    found = legato("audit-code", HERE / "before", "--format", "json")["findings"]
    return sum(one["kind"] in {"model_call", "raw_http"} for one in found)


def assumed(before: Decimal, after: Decimal, places: int) -> dict[str, Decimal]:
    """Return the plan's figures: what was measured, at the volume, and what is assumed."""
    hours_before = places * HOURS_A_PLACE_BEFORE
    hours_after = places * HOURS_A_PLACE_AFTER + HOURS_GATEWAY
    return {
        "initial.usd": HOURS_TO_MOVE * USD_AN_HOUR,
        "before.ai_usd_month": before,
        "after.ai_usd_month": after,
        "before.labour_usd_month": hours_before * USD_AN_HOUR,
        "after.labour_usd_month": hours_after * USD_AN_HOUR,
        "before.other_usd_month": Decimal(0),
        "after.other_usd_month": USD_MACHINE_MONTH,
        "benefits.usd_month": Decimal(0),
    }


def tell(sums: dict[str, Any], data: Path, out: Path) -> None:
    """Print what came of it beside the field's figures, and write the report."""
    a_month = REQUESTS_MONTH / Decimal(sums["before"]["total"]["requests"])
    before, after = (
        Decimal(sums[world]["total"]["cost_usd"]) * a_month for world in ("before", "after")
    )
    places = calls_in_code()
    figures = assumed(before, after, places)
    options = [f"--assume={name}={value:.6f}" for name, value in figures.items()]
    case = legato("plan", "roi", *options, "--draws", "0", "--json", "--data", data)["cases"][1]
    print("\nFrom the baseline to the cost (measured, by prices):")
    for name, nano in legato("savings", "show", "--period", "1d", "--json", "--data", data)["bars"]:
        print(f"  {name:<14} {Decimal(nano) / 10**9:>14,.6f} USD")
    cost_less = 1 - after / before
    hours = [figures[f"{when}.labour_usd_month"] / USD_AN_HOUR for when in ("before", "after")]
    hours_less = 1 - hours[1] / hours[0]
    month = case["break_even_month"]
    rows = [
        ("direct cost a month", f"{before:,.0f} to {after:,.0f} USD", f"-{cost_less:.0%}", "-60%",
         cost_less >= FIELD_COST, "measured, at an assumed volume"),
        ("upkeep a month", f"{hours[0]:.1f} to {hours[1]:.1f} h", f"-{hours_less:.0%}", "-80%",
         hours_less >= FIELD_HOURS, f"assumed for {places} places found in the code"),
        ("break-even", case["break_even_told"], "", "6 months",
         month is not None and month <= FIELD_MONTHS, "modelled from the two above"),
    ]  # fmt: skip
    print(f"\n{'':<22}{'here':<24}{'':<7}{'field':<10}{'':<9}rests on")
    for name, here, change, field, is_met, rests in rows:
        met = "met" if is_met else "not met"
        print(f"{name:<22}{here:<24}{change:<7}{field:<10}{met:<9}{rests}")
    print(f"\nNPV over three years: {Decimal(case['npv_usd']):,.0f} USD (base case)")
    done = subprocess.run(
        [sys.executable, "-m", "legato", "report", "roi", "--period", "1d", *options,
         "--out", str(out), "--data", str(data)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout.strip() or done.stderr.strip())


def main() -> None:
    """Run both worlds and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speed", type=float, default=10.0, help="times as fast as it came")
    parser.add_argument("--out", type=Path, default=None, help="keep both worlds in this folder")
    wanted = parser.parse_args()
    folder = wanted.out or Path(tempfile.mkdtemp(prefix="company-"))
    asked = questions()
    sums = {
        world: lived(folder / world, world, asked, wanted.speed) for world in ("before", "after")
    }
    tell(sums, folder / "after" / "data", folder / "report.xlsx")


if __name__ == "__main__":
    main()
