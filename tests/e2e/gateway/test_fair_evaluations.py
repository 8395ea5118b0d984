"""A long evaluation of one organisation and a short one of another: neither waits for the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
providers: [{name: pretend, kind: simulated, settings: {latency_ms: 250}}]
deployments:
  - {name: small, provider: pretend, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: long, team: a, feature: b, admin: true, secret: {env: LONG_KEY}}
  - {name: brief, org: elsewhere, team: x, feature: y, admin: true, secret: {env: BRIEF_KEY}}
"""
LONG, BRIEF = "lg-a-key-with-much-to-do", "lg-a-key-of-another-organisation"
PATH = "/api/v1/evaluations"
SCORERS = [{"use": "regex", "name": "says", "pattern": "[a-z]"}]


@pytest.fixture
def legato(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningLegato]:
    monkeypatch.setenv("LONG_KEY", LONG)
    monkeypatch.setenv("BRIEF_KEY", BRIEF)
    folder = tmp_path_factory.mktemp("fair")
    running = RunningLegato(folder, CONFIG)
    for org, cases in (("default", 400), ("elsewhere", 5)):
        lines = [{"input": f"question {number}", "expected": "x"} for number in range(cases)]
        file = folder / "cases.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        running.command("datasets", "import", "asked", str(file), "--org", org)
    yield running
    assert running.stop() == 0


def begin(legato: RunningLegato, key: str) -> dict[str, Any]:
    suite = {"dataset": "asked", "models": ["small"], "concurrency": 1, "scorers": SCORERS}
    answer = legato.post(PATH, {"suite": suite}, key)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json
    return found


def seen(legato: RunningLegato, run: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = legato.get(f"{PATH}/{run['id']}", key).json
    return found


def test_a_long_evaluation_lets_a_short_one_of_others_pass(legato: RunningLegato) -> None:
    long = [begin(legato, LONG) for _ in range(3)]
    assert within(20, lambda: all(seen(legato, one, LONG)["done"] for one in long[:2]))
    brief = begin(legato, BRIEF)
    assert within(40, lambda: seen(legato, brief, BRIEF)["status"] == "done")
    now = [seen(legato, one, LONG) for one in long]
    assert [one["status"] for one in now] == ["running", "running", "waiting"]
    before = [one["done"] for one in now]

    def on() -> bool:
        return all(
            seen(legato, one, LONG)["done"] > was
            for one, was in zip(long[:2], before[:2], strict=True)
        )

    assert within(20, on)
    for one in long:
        assert legato.post(f"{PATH}/{one['id']}/cancel", b"", LONG).status == 200
