"""The processes that the supervisor keeps running, and how each is begun."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from legato.app.batches import batch_process
from legato.app.context import BatchContext, ControlContext, LedgerContext, ProcessContext
from legato.app.listeners import Listeners
from legato.app.processes import compliance_process, control_process, ledger_process
from legato.app.programs.managed import ServerCommand, restart, start
from legato.app.programs.processes import RestartDelay, fork

log = logging.getLogger(__name__)


@dataclass
class Child:
    """A process to keep running."""

    name: str
    start: Callable[[], int]
    crashed: Callable[[], None] | None = None
    """Called when it ended by itself with a failure, or was killed."""
    rests: bool = False
    """Ending without a failure is no news: it is started again, after `pause_s`."""
    pause_s: float = 0.0
    delay: RestartDelay = field(default_factory=RestartDelay)
    pid: int = 0
    started_s: float = 0.0
    restart_at_s: float | None = None


def launch(child: Child) -> None:
    """Start a child. Raises OSError."""
    child.restart_at_s = None
    child.started_s = time.monotonic()
    child.pid = child.start()


def launch_again(child: Child) -> None:
    """Start a child that ended; a machine short of processes or files is no reason to give up."""
    try:
        launch(child)
    except OSError as error:
        wait_s = max(1.0, child.delay.after(0.0))
        child.restart_at_s = time.monotonic() + wait_s
        log.error(  # noqa: TRY400 - the frames say nothing, the reason all
            "process can't be started",
            extra={"child": child.name, "reason": error.strerror, "after_s": wait_s},
        )


def ledger_child(context: LedgerContext, listeners: Listeners) -> Child:
    """Return the process that writes the ledger; it ends after all others."""
    writing = _deaf(listeners, lambda: ledger_process.run(context))
    return Child("ledger", lambda: fork(writing, stop_waits=True))


def control_child(context: ControlContext, listeners: Listeners) -> Child:
    """Return the process of the control API."""
    return Child("control", lambda: fork(_deaf(listeners, lambda: control_process.run(context))))


def batches_child(context: BatchContext, wake_fd: int, listeners: Listeners) -> Child:
    """Return the process that runs batches, and ends when all are done; killed, it is woken."""
    return Child(
        "batches",
        lambda: fork(_deaf(listeners, lambda: batch_process.run(context))),
        crashed=lambda: batch_process.wake(wake_fd),
        rests=True,
    )


def compliance_child(context: ProcessContext, listeners: Listeners) -> Child:
    """Return the process that looks by the checks of compliance and ends, begun a little later."""
    return Child(
        "compliance",
        lambda: fork(_deaf(listeners, lambda: compliance_process.run(context))),
        rests=True,
        pause_s=context.loaded.config.compliance.every_s,
        restart_at_s=time.monotonic() + compliance_process.FIRST_S,
    )


def model_server(command: ServerCommand) -> Child:
    """Start a model server for the first time. Raises ServerNotStarted."""
    started_s = time.monotonic()
    pid = start(command)
    name = f"model server of {command.provider}"
    return Child(name, lambda: restart(command), pid=pid, started_s=started_s)


def _deaf(listeners: Listeners, target: Callable[[], None]) -> Callable[[], None]:
    """Return what a child does that serves nobody.

    Did it keep the sockets, who calls once the workers are gone would wait instead of being
    refused: the batches that are to end with them, too.
    """

    def run() -> None:
        listeners.close()
        target()

    return run
