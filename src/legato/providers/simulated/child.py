"""A simulated server in a child process, held from synchronous code: trials, demo, benchmarks."""

import contextlib
import json
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

from legato.providers.simulated.book import CallRecord, read_book
from legato.providers.simulated.launch import launch_command
from legato.providers.simulated.settings import SimulatedSettings

LOOPBACK = "127.0.0.1"
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 30.0
POLL_S = 0.01
OK = 200


class SimulatedChild:
    """Starts on construction, keeps `book.jsonl` in `folder`, ends with `stop` or its parent."""

    def __init__(
        self, folder: Path, settings: SimulatedSettings | None = None, *, port: int = 0
    ) -> None:
        """Wait until the child listens.

        Raises:
            TimeoutError: it does not listen in time.
            RuntimeError: it ended at once; its standard error said why.
        """
        self.book = folder / "book.jsonl"
        port_file = folder / "port.json"
        port_file.unlink(missing_ok=True)
        command = launch_command(settings or SimulatedSettings(), port_file, self.book, port=port)
        # Our own interpreter and module, no shell.
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            self.port = self._read_port(port_file)
        except BaseException:
            self.kill()
            raise
        self.url = f"http://{LOOPBACK}:{self.port}"

    def _read_port(self, port_file: Path) -> int:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not port_file.exists():
            if self.process.poll() is not None:
                raise RuntimeError("the simulated server ended at once")
            if time.monotonic() > deadline_s:
                raise TimeoutError("the simulated server does not listen")
            time.sleep(POLL_S)
        port: int = json.loads(port_file.read_bytes())["port"]
        return port

    def get(self, path: str) -> bytes:
        """The body at a control path. Raises RuntimeError if it is refused."""
        return self._request("GET", path, None)

    def counts(self) -> dict[str, Any]:
        """The book's totals since the last reset."""
        counts: dict[str, Any] = json.loads(self.get("/_simulated/counts"))
        return counts

    def change(self, **fields: Any) -> None:
        """Lay settings over those in force. Raises RuntimeError if they are refused."""
        self._request("POST", "/_simulated/settings", json.dumps(fields))

    def reset(self) -> None:
        """Back to the first settings and an empty book."""
        self._request("POST", "/_simulated/reset", None)

    def calls(self, finished: int, timeout_s: float = 5.0) -> list[CallRecord]:
        """All calls in the book's file since the last reset, once so many of them are finished.

        Raises:
            TimeoutError: fewer are finished in time.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            calls = list(read_book(self.book))
            count = sum(call.outcome is not None for call in calls)
            if count >= finished:
                return calls
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{count} of {finished} calls are finished")
            time.sleep(POLL_S)

    def stop(self) -> int:
        """End it; returns its exit status."""
        self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def _request(self, method: str, path: str, body: str | None) -> bytes:
        connection = HTTPConnection(LOOPBACK, self.port, timeout=REQUEST_TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != OK:
                raise RuntimeError(f"{path} answered {answer.status}: {text.decode()}")
            return text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
