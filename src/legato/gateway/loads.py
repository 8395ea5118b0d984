"""How busy each deployment is, on a board that every worker shares.

The board is anonymous shared memory made before the workers fork; where nothing goes by load no
page of it is ever touched. What a worker counts stands in a row of its own, so no count is lost to
another worker, and the row of one that died is cleared by the one in its place. What answers say
of a deployment is written by whoever heard it last.
"""

import mmap
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from legato.core.config_load import RateLimits
from legato.providers.rate_headers import rate_readings
from legato.resilience.breaker import State
from legato.routing.load.allowance import WINDOW_S, Counted, Reading, is_near, left_now, wait_s
from legato.routing.load.balance import outstanding_load, peak_ewma_load, peak_ewma_ms, ramp
from legato.routing.load.concurrency import LOWERED_EVERY_S, Priority, lowered, places, raised
from legato.routing.load.concurrency import wait_s as place_wait_s

if TYPE_CHECKING:
    from legato.gateway.waiting_room import WaitingRoom

_DOUBLE_BYTES: Final = 8
# of a deployment, in doubles; times are monotonic seconds
_EWMA_MS, _EWMA_AT, _BACK_AT, _CLOSED_UNTIL = range(4)
_REQUESTS, _TOKENS = 4, 9
_LIMIT, _LEFT, _FULL_IN, _SAID_AT, _SPENT = range(5)  # of what was said of either
_PLACES, _LOWERED_AT = 14, 15
_CELL: Final = 16
# of a deployment in a worker's row
_OUTSTANDING, _MINUTE, _REQUESTS_NOW, _REQUESTS_BEFORE, _TOKENS_NOW, _TOKENS_BEFORE = range(6)
_WAITING: Final = 6
_SHARE: Final = 7
_OF_ORGS: Final = 8  # and so many more, of a route: how many wait of the organisations of a slot
_SLOTS: Final = 16
_COUNTS: Final = _OF_ORGS + _SLOTS
_UNKNOWN: Final = 1.0
"""What those weigh who wait in a worker that hasn't said so yet."""


class LoadBoard:
    """Shared numbers, a cell for each cell of the breaker board; made before the workers fork."""

    def __init__(self, cells: int, workers: int) -> None:
        self.cells, self.workers = cells, workers
        self.rows_at = cells * _CELL
        self.row = cells * _COUNTS
        numbers = self.rows_at + workers * self.row
        self.numbers = memoryview(mmap.mmap(-1, numbers * _DOUBLE_BYTES)).cast("d")


class LoadState(NamedTuple):
    """What is known of a deployment's load; None where a provider said nothing."""

    outstanding: int
    requests_left: int | None
    tokens_left: int | None
    closed_s: float
    """For how long nothing is sent there, as it asked."""
    places: int | None = None
    """How many calls it bears at once; None where nobody has looked."""


def load_state(board: LoadBoard, cell: int, now_s: float) -> LoadState:
    """Read a deployment's cell."""
    return LoadState(
        int(_outstanding(board, cell)),
        _left(board, cell * _CELL + _REQUESTS, now_s),
        _left(board, cell * _CELL + _TOKENS, now_s),
        max(0.0, board.numbers[cell * _CELL + _CLOSED_UNTIL] - now_s),
        int(board.numbers[cell * _CELL + _PLACES]) or None,
    )


class Loads:
    """One worker's view of the board: makes what deployments are given."""

    def __init__(
        self,
        board: LoadBoard,
        worker: int,
        *,
        breaker_state: Callable[[int], State],
        monotonic: Callable[[], float],
        epoch_ns: Callable[[], int],
        slow_start_s: float,
        heeds_headers: bool,
    ) -> None:
        self.board = board
        self.breaker_state = breaker_state
        self.monotonic = monotonic
        self.epoch_ns = epoch_ns
        self.slow_start_s = slow_start_s
        self.heeds_headers = heeds_headers
        self.own_at = board.rows_at + worker * board.row
        self._is_cleared = False
        self.rooms: dict[WaitingRoom, None] = {}
        """Those in which calls wait, in the order in which they are looked at."""

    def is_well(self, cell: int) -> bool:
        """Whether a deployment's breaker is closed."""
        return self.breaker_state(cell) is State.CLOSED

    def freed(self) -> None:
        """See in every room whether somebody may go now, in the next one first the next time."""
        for room in tuple(self.rooms):
            room.look()
        if len(self.rooms) > 1:
            first = next(iter(self.rooms))
            del self.rooms[first]
            self.rooms[first] = None

    def of(self, cell: int, limits: RateLimits) -> "SharedLoad":
        """Return the load of the deployment with this cell."""
        self._clear()
        return SharedLoad(self, cell, limits)

    def depth(self, cell: int) -> "SharedDepth":
        """Return how many wait in a route's queue, which has this cell."""
        self._clear()
        return SharedDepth(self, cell)

    def _clear(self) -> None:
        """Forget what the worker before this one had under way: it is over."""
        if not self._is_cleared:
            self._is_cleared = True
            for at in range(self.own_at, self.own_at + self.board.row):
                self.board.numbers[at] = 0.0


class SharedDepth:
    """How many calls wait in one route's queue, in this worker and in all."""

    __slots__ = ("_at", "_board", "_own", "workers")

    def __init__(self, loads: Loads, cell: int) -> None:
        self._board = loads.board
        self._at = loads.board.rows_at + cell * _COUNTS
        self._own = loads.own_at + cell * _COUNTS
        self.workers = loads.board.workers

    def change(self, by: int, org: str) -> None:
        """Count calls of this worker: one more, or one less."""
        self._board.numbers[self._own + _WAITING] += by
        self._board.numbers[self._own + _slot(org)] += by

    def part(self, org: str) -> float:
        """Return which part of an organisation's calls that wait does so in this worker.

        Names whose hashes meet in one slot are counted as one.
        """
        numbers, row, slot = self._board.numbers, self._board.row, _slot(org)
        own = numbers[self._own + slot]
        total = sum([numbers[self._at + slot + one * row] for one in range(self.workers)])
        return own / total if 0.0 < own <= total else 1.0

    def elsewhere(self) -> int:
        """Return how many wait in the other workers."""
        numbers, row = self._board.numbers, self._board.row
        at = self._at + _WAITING
        total = sum([numbers[at + one * row] for one in range(self.workers)])
        return int(total - numbers[self._own + _WAITING])


class SharedLoad:
    """The load of one deployment."""

    __slots__ = ("_at", "_board", "_cell", "_limits", "_loads", "_numbers", "_own", "_shares")

    def __init__(self, loads: Loads, cell: int, limits: RateLimits) -> None:
        self._loads = loads
        self._board = loads.board
        self._numbers = loads.board.numbers
        self._cell = cell
        self._at = cell * _CELL
        self._own = loads.own_at + cell * _COUNTS
        self._limits = limits if limits != RateLimits() else None
        self._shares: dict[Hashable, float] = {}

    def counted(self, tokens: int) -> int:
        """Return as how many tokens a call is counted: whatever it claims, at most a minute's.

        Else one caller's `max_tokens` would keep everybody from the deployment.
        """
        limit = None if self._limits is None else self._limits.tokens_per_minute
        return tokens if limit is None else min(tokens, limit)

    def begin(self, tokens: int) -> None:
        """Count a call that is sent, with what it is expected to use."""
        numbers, at = self._numbers, self._at
        numbers[self._own + _OUTSTANDING] += 1.0
        if self._loads.heeds_headers:
            numbers[at + _REQUESTS + _SPENT] += 1.0
            limit = numbers[at + _TOKENS + _LIMIT]
            numbers[at + _TOKENS + _SPENT] += min(tokens, limit / 2) if limit else tokens
        if self._limits is not None:
            self._turn()
            numbers[self._own + _REQUESTS_NOW] += 1.0
            numbers[self._own + _TOKENS_NOW] += tokens

    def end(self, tokens: int) -> None:
        """Count a call that is over, with what it used beyond what was expected."""
        self._numbers[self._own + _OUTSTANDING] -= 1.0
        if self._limits is not None:
            self._turn()
            numbers, own = self._numbers, self._own
            used = numbers[own + _TOKENS_NOW] + tokens
            numbers[own + _TOKENS_NOW] = max(0.0, used)
            if used < 0.0:  # it was counted in the minute before
                before = numbers[own + _TOKENS_BEFORE] + used
                numbers[own + _TOKENS_BEFORE] = max(0.0, before)
        if self._loads.rooms:
            self._loads.freed()

    def unbegin(self, tokens: int) -> None:
        """Take back that a call was counted as sent."""
        numbers, own, at = self._numbers, self._own, self._at
        numbers[own + _OUTSTANDING] -= 1.0
        if self._loads.heeds_headers:
            limit = numbers[at + _TOKENS + _LIMIT]
            for kind, spent in (
                (_REQUESTS, 1.0),
                (_TOKENS, min(tokens, limit / 2) if limit else tokens),
            ):
                numbers[at + kind + _SPENT] = max(0.0, numbers[at + kind + _SPENT] - spent)
        if self._limits is not None:
            self._turn()
            for now, counted in ((_REQUESTS_NOW, 1.0), (_TOKENS_NOW, tokens)):
                numbers[own + now] = max(0.0, numbers[own + now] - counted)

    def waits(self, change: int) -> None:
        """Count calls of this worker that wait for it: one more, or one less."""
        self._numbers[self._own + _WAITING] += change

    def shares(self, room: Hashable, weight: float) -> None:
        """Take in what those weigh together who wait for it in a room here; 0 for none."""
        self._shares[room] = weight
        if not weight:
            del self._shares[room]
        self._numbers[self._own + _SHARE] = sum(self._shares.values())

    def is_others_turn(self, *, fresh: bool) -> bool:
        """Tell whether calls wait in other workers that have had less of it than this one.

        Workers have such parts of the places as those weigh who wait there; of a limit of rate, who
        has waited for a while goes before who is `fresh`.
        """
        board, numbers = self._board, self._numbers
        at = board.rows_at + self._cell * _COUNTS
        rows = range(at, at + board.workers * board.row, board.row)
        waiting = [row for row in rows if row != self._own and numbers[row + _WAITING] > 0.0]
        if not waiting:
            return False
        ceiling = None if self._limits is None else self._limits.concurrency_max
        if ceiling is None:
            return fresh
        limit = min(numbers[self._at + _PLACES] or ceiling, ceiling)
        own = numbers[self._own + _SHARE] or _UNKNOWN
        others = sum([numbers[row + _SHARE] or _UNKNOWN for row in waiting])
        return numbers[self._own + _OUTSTANDING] >= max(1.0, limit * own / (own + others))

    def answered(self, headers: Iterable[tuple[bytes, bytes]], latency_ms: float) -> None:
        """Take in that a good answer has begun, and what it said of limits."""
        numbers, at, now_s = self._numbers, self._at, self._loads.monotonic()
        if self._loads.breaker_state(self._cell) is not State.CLOSED:
            numbers[at + _BACK_AT] = now_s
        age_s = now_s - numbers[at + _EWMA_AT]
        numbers[at + _EWMA_MS] = peak_ewma_ms(numbers[at + _EWMA_MS], age_s, latency_ms)
        numbers[at + _EWMA_AT] = now_s
        self.said(headers)

    def said(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take in what an answer's headers say of limits."""
        if not self._loads.heeds_headers:
            return
        readings = rate_readings(headers, self._loads.epoch_ns() / 1e9)
        if readings is None:
            return
        now_s = self._loads.monotonic()
        for kind, one in ((_REQUESTS, readings.requests), (_TOKENS, readings.tokens)):
            if one is not None:
                at = self._at + kind
                for offset, number in enumerate((*one, now_s, 0.0)):
                    self._numbers[at + offset] = number

    def refused(self, for_s: float) -> None:
        """Send nothing more for so long: it asked for that."""
        if self._loads.heeds_headers:
            until_s = self._loads.monotonic() + for_s
            at = self._at + _CLOSED_UNTIL
            self._numbers[at] = max(self._numbers[at], until_s)

    def overloaded(self) -> None:
        """Take in a sign that it had too much to do: it gets fewer calls at once."""
        ceiling = None if self._limits is None else self._limits.concurrency_max
        now_s, at = self._loads.monotonic(), self._at
        if ceiling is None or now_s - self._numbers[at + _LOWERED_AT] < LOWERED_EVERY_S:
            return
        self._numbers[at + _LOWERED_AT] = now_s
        self._numbers[at + _PLACES] = lowered(self._numbers[at + _PLACES] or ceiling)

    def bore(self) -> None:
        """Take in that it answered well: it may get more calls at once."""
        ceiling = None if self._limits is None else self._limits.concurrency_max
        if ceiling is not None:
            at = self._at + _PLACES
            known = self._numbers[at] or ceiling
            self._numbers[at] = raised(known, _outstanding(self._board, self._cell), ceiling)

    def _full_s(self, ceiling: int, priority: Priority) -> float:
        """Return when there should be a place for a call; 0 for now."""
        limit = min(self._numbers[self._at + _PLACES] or ceiling, ceiling)
        if _outstanding(self._board, self._cell) < places(limit, priority):
            return 0.0
        return place_wait_s(self._numbers[self._at + _EWMA_MS], limit)

    def closed_s(self, tokens: int, priority: Callable[[], Priority]) -> float:
        """Return for how long a call that needs so many tokens must not be sent; 0 for now."""
        now_s = self._loads.monotonic()
        closed_s = max(0.0, self._numbers[self._at + _CLOSED_UNTIL] - now_s)
        limits = self._limits
        if limits is None:
            return closed_s
        counted = self._counted(int(now_s // WINDOW_S))
        passed_s = now_s % WINDOW_S
        needs = ((limits.requests_per_minute, 1), (limits.tokens_per_minute, tokens))
        for used, (limit, need) in zip(counted, needs, strict=True):
            if limit is not None:
                closed_s = max(closed_s, wait_s(used, passed_s, limit, need))
        if limits.concurrency_max is not None:
            closed_s = max(closed_s, self._full_s(limits.concurrency_max, priority()))
        return closed_s

    def is_near(self, tokens: int) -> bool:
        """Tell whether by its own word it may have no room for so many tokens."""
        if not self._loads.heeds_headers:
            return False
        now_s, numbers = self._loads.monotonic(), self._numbers
        for at, need in ((self._at + _REQUESTS, 1.0), (self._at + _TOKENS, tokens)):
            if numbers[at + _SAID_AT]:
                age_s = now_s - numbers[at + _SAID_AT]
                if is_near(_reading(numbers, at), age_s, numbers[at + _SPENT], need):
                    return True
        return False

    def busy(self, weight: int, *, by_latency: bool) -> float:
        """Return how busy it is, per weight: ms until an answer would begin, or calls under way."""
        numbers, at = self._numbers, self._at
        outstanding = _outstanding(self._board, self._cell)
        back_at, slow_start_s = numbers[at + _BACK_AT], self._loads.slow_start_s
        part = ramp(self._loads.monotonic() - back_at, slow_start_s) if back_at else 1.0
        if by_latency:
            return peak_ewma_load(numbers[at + _EWMA_MS], outstanding, weight, part)
        return outstanding_load(outstanding, weight, part)

    def _turn(self) -> None:
        """Begin a new minute in this worker's row where one has begun."""
        numbers, own = self._numbers, self._own
        minute = self._loads.monotonic() // WINDOW_S
        known = numbers[own + _MINUTE]
        if minute != known:
            follows = minute == known + 1
            for now in (_REQUESTS_NOW, _TOKENS_NOW):
                numbers[own + now + 1] = numbers[own + now] if follows else 0.0
                numbers[own + now] = 0.0
            numbers[own + _MINUTE] = minute

    def _counted(self, minute: int) -> tuple[Counted, Counted]:
        """Return requests and tokens of all workers."""
        numbers, board = self._numbers, self._board
        requests = requests_before = tokens = tokens_before = 0.0
        for worker in range(board.workers):
            own = board.rows_at + worker * board.row + self._cell * _COUNTS
            age = minute - numbers[own + _MINUTE]
            if age == 0:
                requests += numbers[own + _REQUESTS_NOW]
                tokens += numbers[own + _TOKENS_NOW]
                requests_before += numbers[own + _REQUESTS_BEFORE]
                tokens_before += numbers[own + _TOKENS_BEFORE]
            elif age == 1:
                requests_before += numbers[own + _REQUESTS_NOW]
                tokens_before += numbers[own + _TOKENS_NOW]
        return Counted(requests, requests_before), Counted(tokens, tokens_before)


def _outstanding(board: LoadBoard, cell: int) -> float:
    at = board.rows_at + cell * _COUNTS + _OUTSTANDING
    numbers, row = board.numbers, board.row
    return sum([numbers[at + worker * row] for worker in range(board.workers)])


def _reading(numbers: "memoryview[float]", at: int) -> Reading:
    return Reading(numbers[at + _LIMIT], numbers[at + _LEFT], numbers[at + _FULL_IN])


def _left(board: LoadBoard, at: int, now_s: float) -> int | None:
    """Return what is left of an allowance; None where nothing was said or it is all there again."""
    numbers = board.numbers
    if not numbers[at + _SAID_AT]:
        return None
    left = left_now(_reading(numbers, at), now_s - numbers[at + _SAID_AT])
    return None if left == float("inf") else max(0, int(left - numbers[at + _SPENT]))


def _slot(org: str) -> int:
    return _OF_ORGS + crc32(org.encode()) % _SLOTS
