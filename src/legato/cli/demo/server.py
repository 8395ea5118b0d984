"""The control plane as a child process: `legato up` on the demo's folder."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from legato.app.checks.instance import Instance, running_server
from legato.app.config.environment import PREFIX, environment
from legato.app.programs.processes import die_with_parent
from legato.core.errors import OperatorError
from legato.vault.secrets import new_secret

START_S: Final = 120.0
_STOP_S: Final = 20.0
_POLL_S: Final = 0.1
_ASK_S: Final = 2.0
_OK: Final = 200
_LOG_LINES: Final = 8


class Server:
    """A started control plane."""

    def __init__(self, instance: Instance, *, log: Path | None = None) -> None:
        self._instance = instance
        self._log_file = log or instance.data.root / "demo.log"
        parent_pid = os.getpid()
        command = ["up", "--config", str(instance.config_file), "--data", str(instance.data.root)]
        with self._log_file.open("wb") as log_file:
            self._process = subprocess.Popen(  # noqa: S603 - argv is our own
                [sys.executable, "-m", "legato", *command],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                env=_environment(),
                # Ctrl-C is for the demo, which then stops the server in order.
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(parent_pid),  # noqa: PLW1509 - one thread here
            )

    def await_ready(self) -> str:
        """Return the URL once calls can come.

        Raises:
            OperatorError: it ended or was not ready in time; with what it said.
        """
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s:
            if self._process.poll() is not None:
                raise OperatorError(f"The control plane did not start.\n{self._said()}")
            found = running_server(self._instance.data)
            if found is not None and found.pid == self._process.pid and _is_ready(found.url):
                return found.url
            time.sleep(_POLL_S)
        raise OperatorError(f"Not ready within {START_S:g} s.\n{self._said()}")

    @property
    def pid(self) -> int:
        """Of its first process."""
        return self._process.pid

    def wait(self) -> int:
        """Wait until it ends by itself; return its status."""
        return self._process.wait()

    def stop(self) -> None:
        """Let open calls finish, then end it and all its children."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its children end with it
            self._process.wait()

    def _said(self) -> str:
        lines = self._log_file.read_text(errors="replace").splitlines()
        return "\n".join([*lines[-_LOG_LINES:], f"(from {self._log_file})"])


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Stop the server however the block is left."""
    try:
        yield server
    finally:
        server.stop()


def _environment() -> dict[str, str]:
    """Return the child's: settings meant for another instance are left out.

    The first admin key is given, so that none is printed into a log; `legato keys create --admin`
    makes one that somebody knows.
    """
    kept = {name: text for name, text in environment().items() if not name.startswith(PREFIX)}
    return kept | {f"{PREFIX}ADMIN_KEY": new_secret()}


def _is_ready(url: str) -> bool:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=_ASK_S)
    with closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False
