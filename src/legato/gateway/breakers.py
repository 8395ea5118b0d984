"""The breakers of all deployments on a board that every worker shares.

The board is anonymous shared memory made before the workers fork: reading it costs no system
call. Counting is plain stores (two workers may lose one of each other's bits, which is
harmless); changing a state takes a file lock, which the kernel frees when its holder dies.

A deployment has its cell by its name, so that all processes mean the same one, those too that
came later. A name keeps its cell until the next start.
"""

import fcntl
import logging
import mmap
import os
import struct
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

from legato.core.config import Breaker
from legato.resilience.breaker import (
    EMPTY,
    HEALTHY,
    Cell,
    State,
    after_failure,
    after_silence,
    after_success,
    probe,
    remember,
)

_CELL = struct.Struct("=Bxxxxxxxdq")  # state, until (monotonic s), history
SPARE = 1024
"""Cells for deployments that come while Legato runs."""
_MARK_BYTES = 16
_FREE = bytes(_MARK_BYTES)

log = logging.getLogger(__name__)


class BreakerBoard:
    """Shared cells, one per deployment; made by the supervisor before it forks."""

    def __init__(self, names: Sequence[str], lock_file: Path, spare: int = SPARE) -> None:
        self.unguarded = len(names) + spare
        """The cell of those that found none left: it never opens."""
        self.marks_at = (self.unguarded + 1) * _CELL.size
        self.memory = mmap.mmap(-1, self.marks_at + self.unguarded * _MARK_BYTES)
        self.lock_file = lock_file
        for cell in range(self.unguarded + 1):
            _CELL.pack_into(self.memory, cell * _CELL.size, *HEALTHY)
        for name in names:
            self.claim(name)

    def claim(self, name: str) -> int:
        """Return a name's cell, taking a free one where it has none. Hold the lock meanwhile."""
        mark = blake2b(name.encode(), digest_size=_MARK_BYTES).digest()
        for cell in range(self.unguarded):
            at = self.marks_at + cell * _MARK_BYTES
            held = self.memory[at : at + _MARK_BYTES]
            if held == _FREE:
                self.memory[at : at + _MARK_BYTES] = mark
            if held in {mark, _FREE}:
                return cell
        return self.unguarded


class Breakers:
    """One worker's view of the board."""

    def __init__(self, board: BreakerBoard, rules: Breaker, monotonic: Callable[[], float]) -> None:
        self._board = board
        self._memory = board.memory
        self._unguarded = board.unguarded
        self._cells: dict[str, int] = {}  # a name keeps its cell
        self._rules = rules
        self._monotonic = monotonic
        # opened after the fork: a lock belongs to the open file, so each worker needs its own
        self._lock_fd = os.open(board.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def cells(self) -> int:
        """How many deployments can have a cell of their own."""
        return self._unguarded

    def cell(self, name: str) -> int:
        """Return the cell of a deployment; where none is left, its breaker never opens."""
        known = self._cells.get(name)
        if known is not None:
            return known
        fcntl.lockf(self._lock_fd, fcntl.LOCK_EX)
        try:
            cell = self._board.claim(name)
        finally:
            fcntl.lockf(self._lock_fd, fcntl.LOCK_UN)
        if cell == self._unguarded:
            log.warning(
                "a deployment has no breaker: all cells are taken until the next start",
                extra={"deployment": name},
            )
        self._cells[name] = cell
        return cell

    def state(self, cell: int) -> State:
        """Return a deployment's state."""
        return State(self._memory[cell * _CELL.size])

    def admits(self, cell: int) -> bool:
        """Tell whether a call may be sent now; in half-open state the first asker is the probe."""
        if self._memory[cell * _CELL.size] == State.CLOSED:
            return True
        return self._locked(self._try_probe, cell)

    def opens_in_s(self, cell: int) -> float:
        """Return in how many seconds the next probe may be sent, at most `open_s`."""
        known = self._read(cell)
        if known.state is State.CLOSED:
            return 0.0
        return min(max(0.0, known.until_s - self._monotonic()), self._rules.open_s)

    def succeeded(self, cell: int) -> None:
        """Count a good answer; it closes the breaker."""
        state, _, history = _CELL.unpack_from(self._memory, cell * _CELL.size)
        if state != State.CLOSED:
            self._locked(self._close, cell)
        elif history != EMPTY:
            known = Cell(State.CLOSED, 0.0, remember(history, failed=False))
            self._write(cell, known)

    def failed(self, cell: int) -> None:
        """Count a failure of the provider; it may open the breaker."""
        if cell == self._unguarded:
            return
        self._locked(self._count_failure, cell)

    def undecided(self, cell: int) -> None:
        """Let the next call be the probe: this one ended without a word about the provider."""
        if self._memory[cell * _CELL.size] == State.HALF_OPEN:
            self._locked(self._free_probe, cell)

    def _free_probe(self, cell: int) -> bool:
        self._write(cell, after_silence(self._read(cell), self._monotonic()))
        return True

    def _try_probe(self, cell: int) -> bool:
        known = probe(self._read(cell), self._monotonic())
        if known is None:
            return False
        self._write(cell, known)
        return True

    def _close(self, cell: int) -> bool:
        self._write(cell, after_success(self._read(cell)))
        return True

    def _count_failure(self, cell: int) -> bool:
        self._write(cell, after_failure(self._read(cell), self._rules, self._monotonic()))
        return True

    def _locked(self, change: Callable[[int], bool], cell: int) -> bool:
        fcntl.lockf(self._lock_fd, fcntl.LOCK_EX)
        try:
            return change(cell)
        finally:
            fcntl.lockf(self._lock_fd, fcntl.LOCK_UN)

    def _read(self, cell: int) -> Cell:
        state, until_s, history = _CELL.unpack_from(self._memory, cell * _CELL.size)
        return Cell(State(state), until_s, history)

    def _write(self, cell: int, known: Cell) -> None:
        _CELL.pack_into(self._memory, cell * _CELL.size, *known)
