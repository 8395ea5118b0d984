"""A stop signal that comes before the server is ready."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMPT_S = 3.0
WEIGHTS = """\
config_version: 1
server: {port: 0}
providers:
  - {name: here, kind: local, settings: {path: WEIGHTS, sha256: "SHA256"}}
"""


@contextmanager
def starting(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEGATO_")}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "legato", "up"],
            cwd=folder,
            env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def children(pid: int) -> list[str]:
    listed = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.splitlines()


def stopped(process: subprocess.Popen[bytes], number: signal.Signals) -> int:
    process.send_signal(number)
    return process.wait(PROMPT_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_a_model_loads(tmp_path: Path, number: signal.Signals) -> None:
    weights = tmp_path / "endless.gguf"
    os.mkfifo(weights)  # reading it waits for a writer who never comes
    (tmp_path / "legato.yaml").write_text(
        WEIGHTS.replace("WEIGHTS", str(weights)).replace("SHA256", "0" * 64)
    )
    with starting(tmp_path) as process:
        until_s = time.monotonic() + 20
        while process.poll() is None and not any(
            "providers.local.server" in args for args in children(process.pid)
        ):
            assert time.monotonic() < until_s, (tmp_path / "log").read_text()
            time.sleep(0.05)
        time.sleep(0.3)
        assert stopped(process, number) == 0
    listed = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    assert str(weights) not in listed.stdout
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_while_the_database_is_locked(tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text("config_version: 1\nserver: {port: 0}\n")
    (tmp_path / "legato-data").mkdir(mode=0o700)
    database = tmp_path / "legato-data" / "legato.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode=WAL")
        holder.execute("BEGIN IMMEDIATE")
        with starting(tmp_path) as process:
            until_s = time.monotonic() + 20
            while not children(process.pid):
                assert time.monotonic() < until_s, (tmp_path / "log").read_text()
                time.sleep(0.02)
            assert stopped(process, signal.SIGTERM) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def pids(parent: int) -> list[int]:
    """Child processes, oldest first."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent), "--sort", "start_time,pid"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [int(pid) for pid in listed.stdout.split()]


def test_a_worker_killed_before_it_serves_is_started_again(tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text("config_version: 1\nserver: {port: 0}\n")
    log = tmp_path / "log"
    with starting(tmp_path) as process:
        until_s = time.monotonic() + 60
        while len(there := pids(process.pid)) < 4:  # ledger, worker, control, batches
            assert time.monotonic() < until_s, log.read_text()
            assert "ready at" not in log.read_text(), "it was too quick to be caught"
            time.sleep(0.002)
        os.kill(there[1], signal.SIGKILL)
        while "ready at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until_s, log.read_text()
            time.sleep(0.02)
        assert "killed while starting" in log.read_text()
        assert stopped(process, signal.SIGTERM) == 0
