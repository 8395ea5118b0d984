"""A real Legato program on a data directory of its own, to be killed and started again."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCE = HERE.parents[2] / "src"
START_S = 90.0
STOP_S = 60.0
POLL_S = 0.02
SECRET_OF = "LEGATO_CHAOS_KEY_{}"
_OURS_IS_OPEN = ("01", "08")  # established, and those whose caller has closed
_WRITER_LOCK = re.compile(r"/journal/([0-9a-f-]+)-(\d+)-(\d+)/lock$")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NotStarted(AssertionError):
    """The program did not come up; its log says why."""


class Instance:
    """Starts, finds and kills the processes of one installation."""

    def __init__(self, folder: Path, config: dict[str, Any], *, workers: int = 1) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.database = self.data / "legato.db"
        self.journal = self.data / "journal"
        self.log = folder / "legato.log"
        self.workers = workers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        server = {"port": self.port, "drain_s": 5, **config.pop("server", {})}
        self.config = {"config_version": 1, "server": server, **config}
        self.keys = [key["name"] for key in config["keys"]]
        for key in self.config["keys"]:
            key["secret"] = {"env": SECRET_OF.format(key["name"].upper())}
        self.process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}
        self.open_files_soft: int | None = None
        self.starts = 0

    @staticmethod
    def secret(key: str) -> str:
        return f"sk-chaos-{key}"

    def launch(self) -> None:
        """Start the supervisor without waiting for it."""
        file = self.folder / "legato.yaml"
        file.write_text(json.dumps(self.config))  # JSON is YAML
        secrets = {SECRET_OF.format(key.upper()): self.secret(key) for key in self.keys}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._limited(), sys.executable, "-m", "legato", "up", *self._flags(file)],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": str(SOURCE),
                    "LEGATO_ADMIN_KEY": self.secret("admin"),
                    **secrets,
                    **self.environment,
                },
            )
        self.starts += 1

    def _limited(self) -> list[str]:
        if self.open_files_soft is None:
            return []
        return ["sh", "-c", f'ulimit -Sn {self.open_files_soft}; exec "$@"', "sh"]

    def _flags(self, file: Path) -> list[str]:
        return [f"--config={file}", f"--data={self.data}", f"--workers={self.workers}"]

    def start(self) -> None:
        self.launch()
        self.await_ready()

    def is_ready(self) -> bool:
        try:
            return self.get("/readyz", timeout_s=1.0)[0] == 200
        except OSError:
            return False

    def await_ready(self) -> None:
        until_s = time.monotonic() + START_S
        while not self.is_ready():
            if self.process is None or self.process.poll() is not None:
                raise NotStarted(self.tail())
            if time.monotonic() > until_s:
                raise NotStarted(self.tail())
            time.sleep(POLL_S)

    def get(self, path: str, timeout_s: float = 5.0) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def gauge(self, name: str) -> float:
        """Return a metric without labels, summed over all workers; -1 before its first value."""
        _, page = self.get("/metrics")
        found = re.search(rf"^{name}(?:\{{\}})? ([0-9.e+-]+)$", page.decode(), re.MULTILINE)
        return float(found[1]) if found is not None else -1.0

    def stop(self) -> int:
        """Ask it to end and wait until it has: the journal is in the ledger then."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def stop_drained(self) -> None:
        """Stop once nothing is left in the journal.

        A ledger process that is killed again and again waits before its next start; a stop in
        that time leaves the journal for the next start, as it may.
        """
        for _ in range(3):
            assert self.stop() == 0, self.tail()
            if not self.writers():
                return
            self.start()
        raise AssertionError(f"the journal is not drained: {self.writers()}")

    def close(self) -> None:
        """End whatever still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # ---- its processes

    def children(self) -> list[int]:
        assert self.process is not None
        pid = self.process.pid
        try:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return []
        return [int(child) for child in text.split()]

    def ledger_pid(self) -> int | None:
        """Return who holds the ingester's lock."""
        wanted = str(self.journal / "ingester.lock")
        return next((pid for pid in self.children() if wanted in _open_files(pid)), None)

    def worker_pids(self) -> dict[int, int]:
        """Return the pid of each worker that has opened its journal, by its index."""
        found = {}
        for pid in self.children():
            for name in _open_files(pid):
                match = _WRITER_LOCK.search(name)
                if match is not None:
                    found[int(match[2])] = pid
        return found

    def connections(self) -> int:
        """Count the callers' connections that are open on our side."""
        mine = f":{self.port:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(line[1].endswith(mine) and line[3] in _OURS_IS_OPEN for line in lines)

    def pss_mib(self) -> float:
        """Return the proportional set size of the whole tree."""
        return sum(self.pss_mib_by_process().values())

    def pss_mib_by_process(self) -> dict[int, float]:
        """Return that of each process, by its pid."""
        assert self.process is not None
        return {pid: _pss_kib(pid) / 1024 for pid in [self.process.pid, *self.children()]}

    def writers(self) -> list[str]:
        """Return the journal's writers, living or dead."""
        return sorted(
            entry.name
            for entry in self.journal.iterdir()
            if entry.is_dir() and entry.name != "quarantine"
        )

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _open_files(pid: int) -> set[str]:
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return set()
    names = set()
    for descriptor in descriptors:
        try:
            names.add(str(descriptor.readlink()))
        except OSError:
            continue
    return names


def _pss_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(match[1]) if match else 0


def kill(pid: int | None) -> bool:
    """Kill -9; False where there is nobody to kill."""
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
