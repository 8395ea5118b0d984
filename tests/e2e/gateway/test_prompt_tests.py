"""A prompt's own tests, run against the running program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from running import ADMIN, CALLER, RunningLegato, within

sys.path.append(str(Path(__file__).parents[2]))
from kept_prompts import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
providers: [{name: up, kind: openai_compatible, base_url: "RECORDER/v1"}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small], cache: {enabled: false}}]
keys: [{name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}]
"""
GOOD = {"name": "answers", "variables": {"name": "Ada"}, "expect": {"regex": "^answer [0-9]+$"}}
BAD = {"name": "greets", "variables": {"name": "Ada"}, "expect": {"contains": ["Hello, <Ada>"]}}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    with Recorder() as recorder:
        config = CONFIG.replace("RECORDER", recorder.url)
        running = RunningLegato(tmp_path_factory.mktemp("tests"), config)
        yield running
        assert running.stop() == 0


def save(legato: RunningLegato, name: str, *tests: Any) -> None:
    spec = {
        "messages": [{"role": "user", "content": "Greet {{name}}."}],
        "variables": {"name": {"type": "string"}},
        "route": "chat",
        "tests": tests,
    }
    path = f"/api/v1/registry/objects/prompt/{name}/versions"
    answer = legato.post(path, {"spec": spec, "labels": ["draft"]}, ADMIN)
    assert answer.status == 201, answer.body
    body = {"model": f"prompt:{name}@draft", "metadata": {"variables": {"name": "Ada"}}}
    assert within(3, lambda: legato.post("/v1/chat/completions", body, CALLER).status == 200)


def run(legato: RunningLegato, *words: str) -> subprocess.CompletedProcess[str]:
    where = ("--data", str(legato.data), "--config", str(legato.config))
    command = [sys.executable, "-m", "legato", "registry", "test", "--key", CALLER, *words, *where]
    environment = {**legato.environment}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=60, check=False
    )


def test_answers_are_judged(legato: RunningLegato, tmp_path: Path) -> None:
    save(legato, "mixed", GOOD, BAD)
    report = tmp_path / "report.xml"
    done = run(legato, "prompt:mixed@draft", "--junit", str(report))
    assert done.returncode == 1, done.stderr
    assert "ok    answers" in done.stdout
    assert "FAIL  greets\n      doesn't contain 'Hello, <Ada>'" in done.stdout
    suite = ET.fromstring(report.read_text())  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert suite.find("testcase[@name='greets']/failure") is not None


def test_all_is_well(legato: RunningLegato) -> None:
    save(legato, "fine", GOOD)
    done = run(legato, "prompt:fine@1", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert (result["problems"], result["cost_usd"]) == ([], "0.000013000")


def test_what_can_not_be_run_is_told(legato: RunningLegato) -> None:
    save(legato, "untested")
    assert "has no tests" in run(legato, "prompt:untested@draft").stderr
    assert "has no version" in run(legato, "prompt:untested@7").stderr
    save(legato, "refused", GOOD)
    refused = run(legato, "prompt:refused@draft", "--key", "lg-nobody")
    assert refused.returncode == 1
    assert "401" in refused.stdout
