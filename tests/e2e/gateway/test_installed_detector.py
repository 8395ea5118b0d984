"""The sample package of a detector as its user meets it: installed, named in a policy, asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import RunningLegato

PACKAGE = Path(__file__).parents[3] / "examples" / "detector-package"
CONFIG = """\
config_version: 1
providers: [{name: pretend, kind: simulated}]
deployments: [{name: small, provider: pretend, model: m}]
guardrails:
  detectors:
    - {name: guests, kind: badges, settings: {prefix: G}}
  policies:
    - name: badges
      time_ms: 5000
      rules: [{name: r, detect: {labels: [BADGE]}, action: block}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    source, target = tmp_path / "source", tmp_path / "site"
    shutil.copytree(PACKAGE, source)
    options = ("--quiet", "--offline", "--no-deps", "--no-build-isolation")
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", *options, "--target", target, source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return target


def test_an_installed_detector_is_asked_in_processes_of_its_own(tmp_path: Path, site: Path) -> None:
    path = os.pathsep.join(filter(None, (str(site), *sys.path)))
    legato = RunningLegato(tmp_path, CONFIG, variables={"PYTHONPATH": path})
    try:
        for badge, status in (("B-12345-5", 400), ("B-12345-6", 200), ("G-12345-5", 400)):
            answer = legato.chat("small", f"open for {badge}")
            assert answer.status == status, (badge, answer.body)
        listed = subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True)  # noqa: PLW1510
        assert "-m legato.detectors.process" in listed.stdout
    finally:
        assert legato.stop() == 0
