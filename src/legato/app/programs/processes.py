"""Child processes of the supervisor: forked ones that run our code, and model servers.

The supervisor has one thread and no event loop, so forking it is safe at any time. Every
child dies with it (PR_SET_PDEATHSIG): a killed supervisor leaves nothing on the port.
"""

import contextlib
import ctypes
import logging
import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from legato.audit.acting import act_as
from legato.audit.event import Actor
from legato.core.errors import LegatoError, OperatorError

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1
_FILES_OF_OUR_OWN = 200
_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8
_TRIM_BYTES = 1024 * 1024
HANDLED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Blocked in the supervisor, which takes them one by one with sigtimedwait."""
STOPPING = frozenset({signal.SIGTERM, signal.SIGINT})


class StopRequested(BaseException):
    """A stop signal came while something was awaited; no handler of errors may swallow it."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let a stop signal, blocked until here, end what is awaited: it raises StopRequested.

    Only around waits: between them what has been started is written down undisturbed.
    """

    def stop(_number: int, _frame: object) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # a second one must not cut the tidying
        raise StopRequested

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        for number, handler in before.items():
            signal.signal(number, handler)


def die_with_parent(parent_pid: int) -> None:
    """Be killed when the parent ends; called in the child, before anything else.

    Does nothing where the kernel has no such call (it is Linux's).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # it died between fork and prctl
            os._exit(1)


def keep_memory_small() -> None:
    """Let glibc share one heap between threads and give free memory back.

    A heap per thread costs 10 MiB in a worker for nothing, since one thread allocates at a time.
    Does nothing with another C library.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)


def raise_open_files_limit() -> None:
    """Take as many open files as may be had unasked: a stream needs two, shells give 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems say "unlimited" and refuse it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections_of_files() -> int:
    """Return how many callers' connections this process has files for.

    Each may need another to a provider, and journal, cache and database must always find some.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(1, (soft - _FILES_OF_OUR_OWN) // 2)


def fork(target: Callable[[], None], *, stop_waits: bool = False) -> int:
    """Run `target` in a forked child and return the child's pid.

    With `stop_waits` a stop signal waits until the target unblocks SIGTERM, its handler set.
    """
    parent_pid = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _child(target, parent_pid, {signal.SIGTERM} if stop_waits else set())
    return pid


def in_child(work: Callable[[], Result]) -> Result:
    """Run work in a child that ends with it, so that what it imports and opens goes with it.

    What it returns comes through a pipe of this process's own, pickled.

    Raises:
        OperatorError: what the work raised, with its message.
        StopRequested: a stop signal came; the child is gone, its transaction rolled back.
    """
    reading_fd, writing_fd = os.pipe()

    def target() -> None:
        os.close(reading_fd)
        try:
            outcome: tuple[str, Any] = ("", work())
        except LegatoError as error:
            outcome = (error.message, None)
        with open(writing_fd, "wb") as pipe:  # noqa: PTH123 - a descriptor, not a path
            pipe.write(pickle.dumps(outcome))

    pid = fork(target)
    os.close(writing_fd)
    try:
        with open(reading_fd, "rb") as pipe, stoppable():  # noqa: PTH123 - same
            told = pipe.read()
    except StopRequested:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.waitpid(pid, 0)
    if not told:
        msg = "Preparing the database failed; what it said stands above."
        raise OperatorError(msg)
    problem, result = pickle.loads(told)  # noqa: S301 - our own child wrote it
    if problem:
        raise OperatorError(problem)
    returned: Result = result
    return returned


def _child(target: Callable[[], None], parent_pid: int, blocked: set[signal.Signals]) -> NoReturn:
    status = 1
    try:
        die_with_parent(parent_pid)
        keep_memory_small()
        # A terminal's Ctrl-C reaches the whole group: only the supervisor acts on it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        act_as(Actor("process", "legato"))  # whoever started it isn't who acts from now on
        target()
        status = 0
    except BaseException:  # noqa: BLE001 - the last frame of a process: say why it ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class RestartDelay:
    """How long to wait before a crashed child is started again: 0 at first, doubling to 30 s."""

    _STEADY_S = 60.0
    _FIRST_S = 0.25
    _MAX_S = 30.0

    def __init__(self) -> None:
        self._failures = 0

    def after(self, lived_s: float) -> float:
        """Return seconds to wait after a child that lived that long."""
        self._failures = 0 if lived_s > self._STEADY_S else self._failures + 1
        if self._failures <= 1:
            return 0.0
        return min(self._MAX_S, self._FIRST_S * 2.0 ** (self._failures - 2))
