"""A Postgres cluster of a test's own, to be stopped, killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
ACCOUNT = "postgres"
STOP_S = 60


def has_postgres() -> bool:
    """Whether the programs of a server are installed, and there is an account to run it."""
    return bool(BINARIES) and (
        os.geteuid() != 0 or ACCOUNT in {one.pw_name for one in pwd.getpwall()}
    )


class PostgresCluster:
    """Runs on construction, in a folder that is its own; `remove` it when done.

    It refuses to run as root, so there another account has it.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="legato-postgres-"))
        self._user = ACCOUNT if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._data = self._folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._run("initdb", "-A", "trust", "-U", "postgres", "--no-sync")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(
                f"port = {port}\nlisten_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self._folder}'\nfsync = off\n"
            )
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "start", "-w", "-l", str(self._folder / "log"))

    def stop(self, how: str = "fast") -> None:
        """End it: `fast` hangs up on its clients, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-w", "-m", how, "-t", str(STOP_S))

    def remove(self) -> None:
        """End it if it runs, and take its folder away."""
        if (self._data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [BINARIES[-1] / program, "-D", self._data, *arguments],
            cwd=self._folder,
            user=self._user,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=2 * STOP_S,
        )
