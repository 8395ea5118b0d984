"""A Redis server of one's own on a free port: to be wiped, stopped and started again."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

from legato.storage.limits.redis.link import Link, StoreAway, StoreTerms

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
PROGRAM_CLI = shutil.which("redis-cli") or shutil.which("valkey-cli") or ""
_START_S = 20.0


class RedisServer:
    """It keeps nothing on disk unless told so."""

    def __init__(self, folder: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def terms(self) -> StoreTerms:
        return StoreTerms(self.url, prefix="test")

    def start(self) -> None:
        assert PROGRAM is not None
        self._folder.mkdir(exist_ok=True)
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._process = subprocess.Popen(
            [PROGRAM, *words, "--save", "", "--loglevel", "warning", *self._options],
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + _START_S
        while True:
            try:
                self.ask("PING")
            except StoreAway:
                assert time.monotonic() < until, "the server doesn't start"
                time.sleep(0.02)
            else:
                return

    def ask(self, *words: str | int) -> object:
        """Send one command over a connection of its own."""
        link = Link(self.terms)
        link.open()
        try:
            return link.command(*words)
        finally:
            link.close()

    def ask_anyway(self, *words: str) -> None:
        """Send a command though `Link` refuses this server."""
        subprocess.run(
            [PROGRAM_CLI, "-p", str(self.port), *words], check=True, stdout=subprocess.DEVNULL
        )

    def wipe(self) -> None:
        self.ask("FLUSHALL")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
