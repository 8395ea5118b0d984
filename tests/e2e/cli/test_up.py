from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from typing import TYPE_CHECKING

from server import ADMIN, CALLER, CONFIG, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Legato
    from server import Server


def test_a_start_says_where_it_serves_and_keeps_its_secrets(start: Callable[..., Server]) -> None:
    server = start(workers=2)
    assert f"legato: ready at {server.url} (2 workers)" in server.log.read_text()
    assert server.call() == 200
    assert server.call(ADMIN) == 200
    assert stat.S_IMODE((server.data / "master.key").stat().st_mode) == 0o600
    assert CALLER not in server.log.read_text()
    assert ADMIN not in server.log.read_text()


def test_without_a_given_admin_key_one_is_shown_once(legato: Legato, tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text("config_version: 1\nserver: {port: 0}\n")
    said = [_started_and_stopped(legato, tmp_path) for _ in range(2)]
    assert "first admin key, shown only now: lg-" in said[0]
    assert "first admin key" not in said[1]


def _started_and_stopped(legato: Legato, folder: Path) -> str:
    """Run `legato up` and send it SIGTERM once it serves."""

    def stop_when_ready() -> None:
        file = folder / "legato-data" / "instance.json"
        server_file = folder / "legato-data" / "run" / "server.json"
        while not (file.exists() and server_file.exists()):
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(json.loads(server_file.read_bytes())["pid"], signal.SIGTERM)

    stopper = threading.Thread(target=stop_when_ready, daemon=True)
    stopper.start()
    done = legato("up")
    stopper.join()
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_killed_worker_is_back_within_a_second(start: Callable[..., Server]) -> None:
    server = start()
    before = set(server.children())
    workers = [pid for pid, args in server.children().items() if "legato up" in args]
    for pid in workers:  # the gateway worker and the ledger process look alike from outside
        os.kill(pid, signal.SIGKILL)
    killed_s = time.monotonic()
    while server.call() != 200:
        assert time.monotonic() - killed_s < 5
        time.sleep(0.01)
    assert time.monotonic() - killed_s < 3  # on a busy machine; under 1 s on an idle one
    assert len(server.children()) == len(before)
    assert set(server.children()) != before


def test_a_killed_model_server_is_back_on_its_port(start: Callable[..., Server]) -> None:
    server = start()
    for round_number in range(2):  # the second start comes after a pause
        (pid,) = [pid for pid, args in server.children().items() if "simulated" in args]
        os.kill(pid, signal.SIGKILL)
        until_s = time.monotonic() + 30
        while server.call(question=f"round {round_number}") != 200:
            assert time.monotonic() < until_s
            time.sleep(0.1)
        assert pid not in server.children()


def test_a_stop_lets_open_calls_finish(start: Callable[..., Server]) -> None:
    server = start(settings="{latency_ms: 1500}")
    statuses: list[int] = []
    caller = threading.Thread(target=lambda: statuses.append(server.call()))
    caller.start()
    time.sleep(0.5)
    assert server.stop() == 0
    caller.join()
    assert statuses == [200]
    assert not (server.data / "run" / "server.json").exists()


def test_a_killed_supervisor_leaves_no_process_behind(
    legato: Legato, start: Callable[..., Server]
) -> None:
    server = start(workers=2)
    children = server.children()
    assert len(children) == 6  # two workers, ledger, control, batches, model server
    server.process.kill()
    server.process.wait()
    until_s = time.monotonic() + 5
    while any(os.path.exists(f"/proc/{pid}") for pid in children):  # noqa: PTH110
        assert time.monotonic() < until_s
        time.sleep(0.05)
    assert (server.data / "run" / "server.json").exists()
    done = legato("stats", "--once", "--data", server.data)
    assert f"legato (pid {server.pid}) was killed" in done.stdout + done.stderr
    assert start(workers=1).call() == 200


def test_a_second_instance_on_the_same_data_is_refused(
    legato: Legato, start: Callable[..., Server]
) -> None:
    server = start()
    again = legato("up", "--config", server.config, "--data", server.data, **VARIABLES)
    assert again.returncode == 1
    assert again.stderr.startswith("legato: Another Legato runs on ")
    assert server.call() == 200


def test_a_taken_port_is_said(legato: Legato, start: Callable[..., Server], tmp_path: Path) -> None:
    server = start()
    port = server.url.rpartition(":")[2]
    done = legato("up", "--config", server.config, "--data", "other", "--port", port, **VARIABLES)
    assert done.returncode == 1
    assert f"Can't listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "other").is_dir()


def test_a_wrong_configuration_starts_nothing(legato: Legato, tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text(CONFIG.replace("alias: chat", "alias: small"))
    done = legato("up", **VARIABLES)
    assert done.returncode == 2
    assert "SETTINGS" not in done.stdout
    assert "expected a mapping" in done.stderr
    assert not (tmp_path / "legato-data").exists()
