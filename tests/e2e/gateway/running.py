"""A running `legato up`, started as an operator would, and what its ledger says."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from legato.core.tenant import EVERY_TENANT
from legato.storage.database.engine import open_engine
from legato.storage.ledger.entries import EntryReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

START_S = 120.0
STOP_S = 30.0
REQUEST_S = 120.0
LEDGER_S = 30.0
POLL_S = 0.02
ADMIN = "lg-the-admin-key-of-these-tests"
CALLER = "lg-the-declared-key-of-these-tests"
CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Mapping[str, str]  # lower-case names
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def request_id(self) -> str:
        return self.headers["x-legato-request-id"]

    @property
    def error(self) -> dict[str, Any]:
        """The error object of either dialect."""
        error: dict[str, Any] = self.json["error"]
        return error


def within(seconds: float, probe: Callable[[], Any]) -> Any:
    """Return the first true thing the probe says; the last false one when time is up."""
    until_s = time.monotonic() + seconds
    while not (found := probe()) and time.monotonic() < until_s:
        time.sleep(POLL_S)
    return found


class RunningLegato:
    """Started on construction; `stop` or `kill` ends it, `start` starts it again."""

    def __init__(
        self,
        folder: Path,
        config: str,
        *,
        workers: int = 1,
        port: int = 0,
        variables: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
    ) -> None:
        self.data = folder / "data"
        self.config = folder / "legato.yaml"
        self.config.write_text(config)
        self.log = folder / "log"
        self.workers = workers
        self.port = port
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LEGATO_")}
        self.environment = (
            kept
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            | {"CALLER_KEY": CALLER, "LEGATO_ADMIN_KEY": ADMIN}
            | dict(variables or {})
        )
        self._prefix = prefix
        self.start()

    def start(self) -> None:
        """Start the program and wait until it says that it serves."""
        command = ["up", "--config", self.config, "--data", self.data]
        command += ["--workers", self.workers, "--port", self.port]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*self._prefix, sys.executable, "-m", "legato", *map(str, command)],
                env=self.environment,
                stderr=log,
            )
        ready = within(START_S, lambda: self.process.poll() or "ready at" in self.log.read_text())
        if ready is not True:
            self.process.kill()
            raise AssertionError(self.log.read_text())
        facts = json.loads((self.data / "run" / "server.json").read_bytes())
        self.url, self.pid = facts["url"], facts["pid"]

    def stop(self) -> int:
        """Ask it to end and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        """End it as a crash would; its children die with it."""
        children = self.children()
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        within(STOP_S, lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children))  # noqa: PTH110 - not a file

    def command(self, *arguments: str) -> str:
        """Run `legato …` on this data directory and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "legato", *arguments, "--data", str(self.data)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create_key(self, *options: str) -> dict[str, str]:
        """Create a key and wait until it is known; return its id and secret."""
        named = ("--team", "made", "--feature", "tests")
        printed = self.command("keys", "create", "--json", *named, *options)
        key: dict[str, str] = json.loads(printed)
        if self.process.poll() is None:
            assert within(3, lambda: self.get("/v1/models", key["secret"]).status == 200)
            if self.workers > 1:
                time.sleep(1.0)  # the other workers look twice a second, too
        return key

    # ------------------------------------------------------------------ processes

    def children(self) -> list[int]:
        """What the supervisor forked, oldest first: ledger, workers, control, batches.

        Model servers are programs of their own, with another command.
        """
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.pid), "--sort", "start_time,pid"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        children = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
        return [int(pid) for pid, command in children if " up --config " in command]

    @contextlib.contextmanager
    def only_worker(self, index: int) -> Iterator[None]:
        """Let one worker alone answer new connections: the others are stopped meanwhile."""
        workers = self.children()[1 : self.workers + 1]
        assert len(workers) == self.workers
        others = [pid for position, pid in enumerate(workers) if position != index]
        try:
            for pid in others:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    # --------------------------------------------------------------------- calls

    def connection(self) -> http.client.HTTPConnection:
        """Return a new connection of your own to close."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=REQUEST_S)

    def send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """Send exactly this, over a connection of its own."""
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            read = response.read()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, read)

    def get(self, path: str, key: str = CALLER) -> Answer:
        """Ask for a page."""
        return self.send("GET", path, None, {"authorization": f"Bearer {key}"})

    def post(
        self, path: str, body: Any, key: str = CALLER, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post a body: bytes as they are, anything else as JSON."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        fixed = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        return self.send("POST", path, sent, fixed | dict(headers or {}))

    def chat(
        self, model: str = "chat", question: str = "hi", *, key: str = CALLER, **fields: Any
    ) -> Answer:
        """Ask a chat model; `headers` among the fields are sent as headers."""
        headers = fields.pop("headers", None)
        body = {"model": model, "messages": [{"role": "user", "content": question}], **fields}
        return self.post(CHAT, body, key, headers)

    # --------------------------------------------------------------------- books

    def stored(self) -> Iterator[tuple[Path, bytes]]:
        """Every file of the data directory with what is in it; what goes meanwhile is left out."""
        for path in sorted(self.data.rglob("*")):
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                if path.is_file():
                    yield path, path.read_bytes()

    def query(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Read the database beside the running program."""
        address = f"file:{self.data / 'legato.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(statement, values)]

    def entries(self, request_id: str, count: int = 1) -> list[dict[str, Any]]:
        """The ledger's entries of a request, by attempt, once there are so many."""
        statement = "SELECT * FROM ledger_entry WHERE request_id = ? ORDER BY attempt, id"

        def enough() -> list[dict[str, Any]] | None:
            found = self.query(statement, request_id)
            return found if len(found) >= count else None

        found = within(LEDGER_S, enough)
        assert found, f"fewer than {count} entries of {request_id}"
        rows: list[dict[str, Any]] = found
        return rows

    def trace(self, request_id: str) -> dict[str, Any]:
        """The trace of a request, once it is there."""
        found = within(LEDGER_S, lambda: self._read(lambda reader: reader.trace(request_id)))
        assert found, f"no trace of {request_id}"
        row: dict[str, Any] = found
        return row

    def traces(self) -> list[dict[str, Any]]:
        """The traces there are, by arrival."""
        return self._read(lambda reader: sorted(reader.traces(), key=itemgetter("at_ns")))

    def _read(self, read: Callable[[EntryReader], T]) -> T:
        engine = open_engine(f"sqlite:///{self.data / 'legato.db'}")
        try:
            return read(EntryReader(engine, EVERY_TENANT))
        finally:
            engine.dispose()
