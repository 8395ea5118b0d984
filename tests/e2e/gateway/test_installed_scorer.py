"""The sample package of a scorer as its user meets it: installed, named in a suite, run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[3] / "examples" / "scorer-package"
CONFIG = """\
config_version: 1
providers: [{name: pretend, kind: simulated, settings: {latency_ms: 50}}]
deployments:
  - {name: small, provider: pretend, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small]}]
"""
PATH = "/api/v1/evaluations"


def install(target: Path, version: str, workshop: Path) -> None:
    """Install the package as pip does, offline, under a version."""
    source = workshop / version
    shutil.copytree(PACKAGE, source)
    project = source / "pyproject.toml"
    project.write_text(project.read_text().replace('version = "0.1.0"', f'version = "{version}"'))
    shutil.rmtree(target, ignore_errors=True)
    options = ("--quiet", "--offline", "--no-deps", "--no-build-isolation")
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", *options, "--target", target, source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture
def site(tmp_path: Path) -> Path:
    target = tmp_path / "site"
    install(target, "0.1.0", tmp_path)
    return target


@pytest.fixture
def legato(tmp_path: Path, site: Path) -> Iterator[RunningLegato]:
    path = os.pathsep.join(filter(None, (str(site), *sys.path)))
    running = RunningLegato(tmp_path, CONFIG, variables={"PYTHONPATH": path})
    cases = tmp_path / "cases.jsonl"
    cases.write_text("".join(f'{{"input": "Say please, case {n}"}}\n' for n in range(120)))
    running.command("datasets", "import", "support", str(cases))
    yield running
    assert running.stop() == 0


def begin(legato: RunningLegato, *scorers: dict[str, Any], concurrency: int = 8) -> Any:
    suite = {"dataset": "support", "models": ["chat"], "scorers": scorers}
    return legato.post(PATH, {"suite": {**suite, "concurrency": concurrency}}, ADMIN)


def shown(legato: RunningLegato, run: str, part: str = "") -> Any:
    return legato.get(f"{PATH}/{run}{part}", ADMIN).json


def test_a_run_is_scored_by_the_package_it_was_planned_with(
    legato: RunningLegato, site: Path, tmp_path: Path
) -> None:
    refused = begin(legato, {"use": "polite", "words": []})
    assert (refused.status, refused.error["field"]) == (400, "scorers[0].words"), refused.body
    assert "polite" in begin(legato, {"use": "?"}).error["message"]
    run = begin(legato, {"use": "polite", "fail_under": 0.5}).json["id"]
    assert within(40, lambda: shown(legato, run)["status"] == "done")
    (rating,) = shown(legato, run, "/grid")["cells"][0]["ratings"]
    assert (rating["scorer"], rating["cases"]) == ("polite", 120)
    slow = begin(legato, {"use": "polite"}, concurrency=1).json["id"]
    assert within(20, lambda: shown(legato, slow)["done"] > 0)
    legato.stop()
    install(site, "0.2.0", tmp_path)
    legato.start()
    assert within(40, lambda: shown(legato, slow)["status"] == "failed")
    told = shown(legato, slow)["told"]
    assert "planned with legato-polite-scorer 0.1.0" in told
    assert "legato-polite-scorer 0.2.0 is installed" in told
    assert shown(legato, run, "/grid")["cells"][0]["ratings"][0]["scorer"] == "polite"
