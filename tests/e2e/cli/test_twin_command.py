from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Legato
    from server import Server

EXAMPLE = Path(__file__).parents[3] / "examples" / "twin"
SCENARIO = """\
name: what-if
traffic: {since: 1h}
candidates:
  - {name: same}
  - {name: dearer, prices: [{provider: sim, factor: 1.2}]}
  - {name: large-first, routes: [{alias: chat, deployments: [large, small]}],
     latency: [{deployment: large, like: small}]}
  - {name: poor, budgets: [{key: ci, budget: {usd: "0.000001", window: day}}]}
  - {name: uncached, cache: false}
"""
WRONG = """\
name: wrong
trafic: {}
candidates:
  - {name: a, prices: [{provider: nobody, factor: 1.2}]}
  - {name: b, outages: [{deployment: smal, start: soon}]}
"""


@pytest.fixture
def served(start: Callable[..., Server]) -> Server:
    """A server that has answered eleven calls, two of them from its cache."""
    server = start(settings="{latency_ms: 20}")
    for question in [*map(str, range(9)), "1", "2"]:
        assert server.call(question=question, temperature=0, user=f"u{question}") == 200
    time.sleep(1.5)
    return server


def run(legato: Legato, server: Server, scenario: Path) -> dict[str, Any]:
    done = legato("twin", "run", scenario, "--json", "--data", server.data)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_world_without_a_change_costs_what_the_ledger_has(
    legato: Legato, served: Server, tmp_path: Path
) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO)
    report = run(legato, served, scenario)
    summed = legato("ledger", "sum", "--by", "total", "--json", "--data", served.data).stdout
    cost = json.loads(summed)["total"]["cost_nano_usd"]
    assert cost > 0
    assert report["closing"]["ledger"] == report["closing"]["read"] == cost
    assert report["closing"]["difference"] == 0
    recorded, as_is = report["recorded"]["total"], report["as_is"]["groups"]["total"]
    assert recorded["cost"] == as_is["cost"] == cost
    assert recorded["requests"] == as_is["answered"] == 11
    assert as_is["cache_hits"] == 2
    assert as_is["latency_ms_p50"] == pytest.approx(recorded["latency_ms_p50"], rel=0.25)
    worlds = {one["name"]: one["groups"]["total"] for one in report["candidates"]}
    assert worlds["same"] == as_is
    assert worlds["dearer"]["cost"] == pytest.approx(1.2 * cost, rel=1e-6)
    assert worlds["large-first"]["cost"] > 4 * cost
    assert worlds["uncached"]["cost"] > cost
    assert worlds["uncached"]["cache_hits"] == 0
    assert worlds["poor"]["refused"] == 9
    assert report["quality"].startswith("unknown")
    assert run(legato, served, scenario) == report
    shown = legato("twin", "run", scenario, "--data", served.data).stdout
    assert "The recorded world closes with the ledger" in shown
    assert "poor: the budget of ci ($0.000001000) has no room from" in shown


def test_what_nothing_is_known_of_is_refused(
    legato: Legato, served: Server, tmp_path: Path
) -> None:
    scenario = tmp_path / "scenario.yaml"
    changed = "routes: [{alias: chat, deployments: [large]}]"
    scenario.write_text(f"name: a\ncandidates: [{{name: b, {changed}}}]\n")
    done = legato("twin", "run", scenario, "--data", served.data)
    assert done.returncode == 1
    assert "nothing is recorded of how long deployment 'large' takes" in done.stderr


def test_all_that_is_wrong_is_told_at_once(legato: Legato, tmp_path: Path) -> None:
    scenario = tmp_path / "wrong.yaml"
    scenario.write_text(WRONG)
    config = EXAMPLE / "legato.yaml"
    done = legato("twin", "run", scenario, "--config", config, "--data", tmp_path / "none")
    assert done.returncode == 2
    assert "wrong.yaml:2:1: trafic: unknown key. Did you mean `traffic`?" in done.stderr
    scenario.write_text(WRONG.replace("trafic: {}\n", ""))
    told = legato("twin", "run", scenario, "--config", config, "--data", tmp_path / "none").stderr
    assert "the scenario has 3 problems" in told
    assert "candidates[0].prices[0].provider: there is no 'nobody'" in told
    assert "Did you mean `small`?" in told
    assert "`soon` is no moment" in told


def test_the_example_runs_without_a_ledger(legato: Legato, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    text = (EXAMPLE / "scenario.yaml").read_text()
    scenario.write_text(text.replace("file: ", f"file: {EXAMPLE}/"))
    out = tmp_path / "report.json"
    config = EXAMPLE / "legato.yaml"
    data = tmp_path / "none"
    done = legato("twin", "run", scenario, "--config", config, "--data", data, "--out", out)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_bytes())
    assert report["recorded"] is None
    worlds = {one["name"]: one["groups"]["total"] for one in report["candidates"]}
    assert worlds["tenfold"]["requests"] == 20_000
    assert worlds["outage"]["fell_back"] > 0
    assert worlds["small-first"]["cost"] < report["as_is"]["groups"]["total"]["cost"] / 10
