"""`legato up`: owns the socket and the processes, does no work of its own.

    supervisor ── gateway worker 0..N-1   forked; serve the one listening socket
               ├─ ledger process          forked; journal → database
               ├─ control process         forked; the control API, loaded when first asked
               ├─ compliance process      forked when checks are due, and ends
               └─ model servers           local and simulated models, processes of their own

One thread, no event loop, no open database while children run: so it can fork at any time,
and nothing but a signal or a dead child wakes it.
"""

import contextlib
import fcntl
import gc
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from legato.app.acting import Acting
from legato.app.batches import batch_process
from legato.app.checks.instance import RunningServer
from legato.app.config.data_dir import DataDir
from legato.app.config.loaded import LoadedConfig
from legato.app.context import (
    BatchContext,
    ControlContext,
    LedgerContext,
    Prepared,
    ProcessContext,
    ProviderContext,
    WorkerContext,
)
from legato.app.leasing import require_store
from legato.app.listeners import Listeners, open_listeners
from legato.app.models.model_guard import prices_of_live
from legato.app.prices.price_book import PriceBook
from legato.app.prices.pricing import batch_prices_of, priced_deployments, prices_of, raise_alarm
from legato.app.processes import control_process, worker
from legato.app.processes.children import (
    Child,
    batches_child,
    compliance_child,
    control_child,
    launch,
    launch_again,
    ledger_child,
    model_server,
)
from legato.app.programs.managed import ServerCommand, managed_commands
from legato.app.programs.processes import (
    HANDLED,
    STOPPING,
    StopRequested,
    fork,
    in_child,
    raise_open_files_limit,
    stoppable,
)
from legato.app.startup import prepare_database, record_config, record_prices
from legato.core.clock import SystemClock
from legato.core.errors import OperatorError
from legato.core.ids import IdSource
from legato.core.price import Price
from legato.gateway.breakers import BreakerBoard
from legato.gateway.loads import LoadBoard
from legato.registry.models import Live
from legato.telemetry.otlp import require_extra
from legato.vault.master import Vault

log = logging.getLogger(__name__)

_NOT_STARTED = "A gateway worker did not start; what it said stands above."
_POLL_S = 0.005
_READY_TIMEOUT_S = 60.0
_GRACE_S = 5.0
_STOP_POLL_S = 0.2
_LOCK_WAIT_S = 2.0
_LOCK_POLL_S = 0.02


class Supervisor:
    """Runs one instance of Legato on one data directory."""

    def __init__(
        self,
        loaded: LoadedConfig,
        data: DataDir,
        *,
        database_url: str,
        workers: int,
        without_tombstones: bool = False,
    ) -> None:
        self._loaded = loaded
        self._data = data
        self._database_url = database_url
        self._workers = workers
        self._without_tombstones = without_tombstones
        self._generations = [0] * workers
        self._ready_fds: list[int] = []
        self._children: list[Child] = []
        self._servers: list[Child] = []
        self._control_socket: Path | None = None

    def run(self, on_ready: Callable[[str, str | None], None]) -> int:
        """Serve until a stop signal; return the exit status.

        `on_ready` gets the URL and a new admin secret when one was made.

        Raises:
            OperatorError: something the operator can mend stands in the way.
        """
        if self._loaded.config.telemetry.otlp is not None:
            require_extra()
        require_store(self._loaded)
        self._data.create()
        raise_open_files_limit()
        with _exclusive(self._data.lock):
            signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
            try:
                prepared = in_child(
                    lambda: prepare_database(
                        self._database_url,
                        self._loaded,
                        self._data,
                        restored=self._take_back,
                    )
                )
                for snapshot in self._data.run.glob("metrics-*.bin"):
                    snapshot.unlink()
                control, self._control_socket = control_process.open_control_socket(self._data)
                with open_listeners(self._loaded.config.server) as listeners, control:
                    self._start_everything(listeners, control, prepared)
                    self._announce(listeners)
                    self._await_ready()
                    on_ready(listeners.url, prepared.admin_secret)
                    return self._watch()
            except StopRequested:
                return 0
            finally:
                self._stop_everything()
                self._data.server_file.unlink(missing_ok=True)
                if self._control_socket is not None:
                    control_process.remove_control_socket(self._data, self._control_socket)
                signal.pthread_sigmask(signal.SIG_SETMASK, set())

    def _take_back(self) -> None:
        """Revoke and erase again what a restored database has; only where a list is kept."""
        if self._loaded.config.tombstones.copies:
            from legato.app.desks.tombstones import reapply  # noqa: PLC0415 - only where it is used

            without = self._without_tombstones
            reapply(self._loaded, self._data, self._database_url, without=without)

    def _start_everything(
        self, listeners: Listeners, control: socket.socket, prepared: Prepared
    ) -> None:
        commands = managed_commands(self._loaded.config, self._data)
        self._servers += map(model_server, commands)
        boot_id = IdSource(SystemClock()).new()
        shared = ProcessContext(boot_id, self._loaded, self._data, self._database_url)
        prices, batch_prices = self._prices(prepared.live)
        calling = _calling(shared, commands, prices)
        acting = Acting(Vault(prepared.root).subkey(f"acting {boot_id}"))
        wake_fd, wake_there_fd = _wake_pipe(awake=prepared.runs_open)
        board = BreakerBoard(tuple(prices), self._data.run / "breakers.lock")
        loads = LoadBoard(board.unguarded, self._workers)

        def start_worker(index: int) -> int:
            generation = self._generations[index]
            self._generations[index] += 1
            ready_fd, ready_there_fd = os.pipe()
            context = WorkerContext(
                **vars(calling),
                worker=index,
                generation=generation,
                workers=self._workers,
                listeners=listeners.handed,
                control_socket=self._control_socket,
                root=prepared.root,
                credentials=prepared.credentials,
                acting=acting,
                wake_fd=wake_there_fd,
                breakers=board,
                loads=loads,
                ready_fd=ready_there_fd,
            )
            pid = fork(lambda: worker.run(context))
            os.close(ready_there_fd)
            self._ready_fds.append(ready_fd)
            return pid

        gc.collect()
        gc.freeze()
        ledger = LedgerContext(**vars(shared), breakers=board, wake_fd=wake_there_fd)
        self._children = [ledger_child(ledger, listeners)]
        self._children += [
            Child(f"worker {index}", lambda index=index: start_worker(index))  # type: ignore[misc]
            for index in range(self._workers)
        ]
        asking = partial(ControlContext, **vars(shared), listener=control, root=prepared.root)
        asked = asking(breakers=board, loads=loads, prices=prices, wake_fd=wake_there_fd)
        self._children.append(control_child(asked, listeners))
        batches = BatchContext(
            **vars(calling),
            batch_prices=batch_prices,
            base_url=listeners.inside_url,
            acting=acting,
            wake_fd=wake_fd,
        )
        self._children.append(batches_child(batches, wake_there_fd, listeners))
        for child in self._children:
            launch(child)
        self._children.append(compliance_child(shared, listeners))

    def _prices(
        self, live: Sequence[Live]
    ) -> tuple[dict[str, Price | None], dict[str, Price | None]]:
        """Return the prices in force until the next start, those of native batches apart.

        They are written down for the ledger, and for workers those of the registry.
        """
        book = PriceBook(self._data.cache, SystemClock())
        with stoppable():  # the package's own start takes seconds
            rows = priced_deployments(self._loaded.config, book.ask)
            of_registry = prices_of_live(self._loaded.config, live, book.ask)
        raise_alarm(rows)
        prices = prices_of(rows)
        batch_prices = batch_prices_of(self._loaded.config, rows)

        def record() -> None:
            record_prices(self._database_url, prices, batch_prices, of_registry=of_registry)
            record_config(self._database_url, self._loaded)

        in_child(record)
        return prices, batch_prices

    def _announce(self, listeners: Listeners) -> None:
        host, port = listeners.address
        part = self._data.server_file.with_suffix(".part")
        started_ns = SystemClock().now_ns()
        server = RunningServer(
            listeners.inside_url, host, port, started_ns, os.getpid(), listeners.urls
        )
        part.write_bytes(msgspec.json.encode(server))
        part.replace(self._data.server_file)

    def _await_ready(self) -> None:
        """Wait until every worker has said that it serves."""
        until_s = time.monotonic() + _READY_TIMEOUT_S
        waiting, self._ready_fds = set(self._ready_fds), []
        try:
            while waiting:
                left_s = until_s - time.monotonic()
                with stoppable():
                    ready, _, _ = select.select(waiting, [], [], max(0.0, left_s))
                if not ready:
                    raise OperatorError(_NOT_STARTED)
                for fd in ready:
                    said = os.read(fd, 1)
                    waiting.discard(fd)
                    os.close(fd)
                    if not said:
                        self._start_killed_worker()
                        waiting.update(self._ready_fds)
                        self._ready_fds = []
        finally:
            for fd in waiting:
                os.close(fd)

    def _start_killed_worker(self) -> None:
        """Start a worker again that was killed before it served; one that gave up has said why."""
        workers = [child for child in self._children if child.name.startswith("worker")]
        while True:  # its end of the pipe closes a moment before it can be waited for
            for child in workers:
                pid, status = os.waitpid(child.pid, os.WNOHANG)
                if pid == 0:
                    continue
                if os.waitstatus_to_exitcode(status) >= 0:
                    child.pid = 0
                    raise OperatorError(_NOT_STARTED)
                log.error("worker killed while starting, starting it again")
                launch_again(child)
                return
            time.sleep(_POLL_S)

    def _watch(self) -> int:
        """Keep the children running until a stop signal comes."""
        while True:
            children = (*self._children, *self._servers)
            due_s = [c.restart_at_s for c in children if c.restart_at_s is not None]
            timeout_s = max(0.0, min(due_s) - time.monotonic()) if due_s else 3600.0
            received = signal.sigtimedwait(HANDLED, timeout_s)
            if received is not None and received.si_signo in STOPPING:
                return 0
            self._reap()
            for child in children:
                if child.restart_at_s is not None and child.restart_at_s <= time.monotonic():
                    launch_again(child)
                    self._drop_ready_fds()

    def _drop_ready_fds(self) -> None:
        """A restarted worker needs nobody to wait for it."""
        for fd in self._ready_fds:
            os.close(fd)
        self._ready_fds = []

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, exit_code: int) -> None:
        for child in (*self._children, *self._servers):
            if child.pid == pid:
                child.pid = 0
                if exit_code == 0 and child.rests:
                    child.restart_at_s = time.monotonic() + child.pause_s
                    continue
                if child.crashed is not None:
                    child.crashed()
                wait_s = child.delay.after(time.monotonic() - child.started_s)
                child.restart_at_s = time.monotonic() + wait_s
                log.error(
                    "process ended, starting it again",
                    extra={"child": child.name, "exit": exit_code, "after_s": wait_s},
                )

    def _stop_everything(self) -> None:
        """Workers first, so that their last records reach the ledger; model servers last."""
        workers = [child for child in self._children if child.name != "ledger"]
        drain_s = self._loaded.config.server.drain_s + _GRACE_S
        _stop([child.pid for child in workers], drain_s)
        self._reap()
        ledger = [child for child in self._children if child not in workers]
        for child in ledger:
            if child.restart_at_s is not None:  # it ended: one more life, to take in what is left
                launch_again(child)
        _stop([child.pid for child in ledger], drain_s)
        _stop([child.pid for child in self._servers], _GRACE_S)


def _wake_pipe(*, awake: bool) -> tuple[int, int]:
    """Return the ends of the pipe that wakes the batch process, something in it already or not."""
    reading_fd, writing_fd = os.pipe()
    os.set_blocking(writing_fd, False)
    if awake:
        batch_process.wake(writing_fd)
    return reading_fd, writing_fd


def _calling(
    shared: ProcessContext, commands: Sequence[ServerCommand], prices: Mapping[str, Price | None]
) -> ProviderContext:
    return ProviderContext(
        **vars(shared),
        managed={command.provider: command.base_url for command in commands},
        managed_keys={c.provider: c.api_key for c in commands if c.api_key},
        prices=prices,
    )


def _stop(pids: list[int], grace_s: float) -> None:
    """Ask processes to end; kill those that have not after `grace_s` or a second signal."""
    left = {pid for pid in pids if pid and _send(pid, signal.SIGTERM)}
    until_s = time.monotonic() + grace_s
    while left:
        for pid in list(left):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    continue
            left.discard(pid)
        if not left:
            return
        received = signal.sigtimedwait(HANDLED, _STOP_POLL_S)
        again = received is not None and received.si_signo in STOPPING
        if again or time.monotonic() > until_s:
            for pid in left:
                _send(pid, signal.SIGKILL)


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Hold the data directory's lock.

    The children of a killed supervisor inherited its lock and take a moment to die: whoever
    starts the next one at once waits for them.

    Raises:
        OperatorError: another instance runs on it.
    """
    with path.open("a") as lock:
        until_s = time.monotonic() + _LOCK_WAIT_S
        while not _locked(lock.fileno()):
            if time.monotonic() > until_s:
                msg = (
                    f"Another Legato runs on {path.parent.parent}: stop it, or use another --data."
                )
                raise OperatorError(msg)
            time.sleep(_LOCK_POLL_S)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
