"""Where a route's calls wait for a place: bounded over all workers, fair between tenants.

A place that becomes free goes to whoever is next at once, before anybody new can take it. What
frees places without a call of this worker ending (time, other workers) is looked for while
somebody waits. Nothing here runs where nobody waits.

Each worker has a line of its own, and knows how many of each organisation wait in all of them: it
has so much of the places, and gives them so, that over all lines each organisation has its weight,
wherever its connections lie. An equal part of the room is each one's: who comes to a worker with
less than that may wait, and a worker with more sheds, within a look, what is then too much.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from msgspec.structs import replace

from legato.core.config_load import Queue
from legato.core.decisions import QUEUED, QueueFacts, QueueTerms, Step
from legato.core.errors import InvalidRequest, Overloaded
from legato.gateway.context import Waiting
from legato.gateway.priority import priority_of
from legato.routing.load.concurrency import Priority
from legato.routing.load.fair_share import FairQueue
from legato.routing.load.queueing import DISPLACED, FULL, LATE, LEFT, PLACED, Pace

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, DeploymentLoad

HEADER: Final = b"x-legato-queue-max-ms"
"""How long a caller would wait; at most what the route allows."""
_LOOK_S: Final = 0.05
_ANY: Final = 1 << 62
_PASSED_BY_MAX: Final = 2
"""How often a place is left to another worker, before it is taken after all."""
_TOLD: Final = {
    FULL: "as many calls as may wait for a place",
    LATE: "no place became free within {patience:.1f} s",
    DISPLACED: "the queue is full, and others have fewer calls in it",
}


class Queues(Protocol):
    """What the rooms of a worker have in common; see legato.gateway.loads."""

    rooms: "dict[WaitingRoom, None]"
    """Those in which calls wait."""

    @property
    def monotonic(self) -> Callable[[], float]:
        """The clock."""
        ...

    def is_well(self, cell: int) -> bool:
        """Whether a deployment's breaker is closed."""
        ...


class Depth(Protocol):
    """How many wait in a route's queue; see legato.gateway.loads."""

    workers: int

    def change(self, by: int, org: str) -> None:
        """Count calls of this worker."""
        ...

    def part(self, org: str) -> float:
        """Return which part of an organisation's calls that wait does so in this worker."""
        ...

    def elsewhere(self) -> int:
        """Return how many wait in the other workers."""
        ...


class Counting(Protocol):
    """Counts what became of calls."""

    def queued(self, route: str, outcome: str, waited_us: int) -> None:
        """Count one stay."""
        ...


class _Waiter:
    """One call that waits."""

    __slots__ = (
        "_future",
        "call",
        "from_s",
        "loads",
        "order",
        "passed_by",
        "path",
        "place",
        "priority",
        "rank",
        "until_s",
    )

    def __init__(self, call: "Call", order: int, *, from_s: float, until_s: float) -> None:
        caller = call.caller
        self.call = call
        self.path = (caller.org, caller.team, caller.key_id)
        self.priority = priority_of(call)
        self.rank, self.order = self.priority.value, order
        self.from_s, self.until_s = from_s, until_s
        loads = {id(one.load): one.load for one in call.candidates if one.load is not None}
        self.loads = tuple(loads.values())
        self.place: DeploymentLoad | None = None
        """What is kept for it until it runs."""
        self.passed_by = 0
        self._future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def end(self, outcome: str) -> None:
        """Wake it with what became of it."""
        if not self._future.done():
            self._future.set_result(outcome)

    async def ended(self) -> str:
        """Return what became of it."""
        return await self._future

    def says_priority(self) -> Priority:
        """Return its priority."""
        return self.priority

    def take(self, load: "DeploymentLoad") -> None:
        """Keep a place until it runs."""
        load.begin(load.counted(self.call.tokens_needed))
        self.place = load

    def give_back(self) -> None:
        """Let go of the place: it runs now, or never."""
        load, self.place = self.place, None
        if load is not None:
            load.unbegin(load.counted(self.call.tokens_needed))


class WaitingRoom:
    """One route's, in one worker."""

    def __init__(
        self, alias: str, setting: Queue, queues: Queues, depth: Depth | None = None
    ) -> None:
        """Without a `depth` that all workers share, each is bounded by itself."""
        self.alias = alias
        self._shared = depth
        self.terms = self._terms(setting)
        self.count: Counting | None = None
        self._queues = queues
        self._fair: FairQueue[_Waiter] = FairQueue(setting.weights)
        self._pace = Pace()
        self._orders = 0
        self._refused: dict[tuple[tuple[DeploymentLoad, ...], float], int] = {}
        """Within a look, for whom there was no place: of as many tokens, and for the same."""
        self._wanted: dict[tuple[Deployment, ...], int] = {}
        """Which deployments calls wait for, and how many."""
        self._timer: asyncio.TimerHandle | None = None
        self._told: tuple[DeploymentLoad, ...] = ()
        """Who knows what those weigh who wait here,"""
        self._told_s = float("-inf")
        """and since when."""

    @property
    def depth(self) -> int:
        """How many wait."""
        return len(self._fair)

    def change(self, setting: Queue) -> None:
        """Go by another setting from now on; who waits has come under the old one."""
        self.terms = self._terms(setting)
        self._fair.weigh(setting.weights)

    def _terms(self, setting: Queue) -> QueueTerms:
        most = setting.length_max
        part = most if self._shared is None else max(1, most // self._shared.workers)
        return QueueTerms(setting.wait_max_s, most, part)

    def is_ahead(self, call: "Call") -> bool:
        """Tell whether others wait for what a call would take, here or in other workers."""
        if self._fair:
            return True
        loads = [one.load for one in call.candidates]
        return all(load is not None and load.is_others_turn(fresh=True) for load in loads)

    def comes_back(self, call: "Call") -> bool:
        """Tell whether a call that a provider refused waits until that one is open again."""
        return any(
            one.load is not None and _closed_s(one.load, call, lambda: priority_of(call)) > 0
            for one in call.candidates
        )

    async def wait(self, call: "Call") -> None:
        """Return once there is a place for a call; it must be taken before anything is awaited.

        Raises:
            Overloaded: it may not wait, or has waited long enough.
            InvalidRequest: its caller says neither how long it would wait nor nothing.
        """
        now_s = self._queues.monotonic()
        waited_ms = sum(one.waited_ms for one in call.queued)
        patience_ms = max(0.0, self._patience_s(call) * 1_000 - waited_ms)
        from_s = now_s + _LOOK_S if call.queued else now_s  # it was let through for nothing
        self._orders += 1
        until_s = now_s + patience_ms / 1_000
        waiter = _Waiter(call, self._orders, from_s=from_s, until_s=until_s)
        met = QueueFacts(LEFT, 0.0, patience_ms, len(self._fair), self._elsewhere())
        outcome = LEFT
        try:
            with Waiting(call):
                outcome = await self._outcome(waiter, met)
        finally:
            self._note(call, replace(met, outcome=outcome), now_s)
        if outcome != PLACED:
            raise overloaded(call.queued[-1], self._retry_after_s(waiter))

    def _note(self, call: "Call", facts: QueueFacts, since_s: float) -> None:
        """Write down what became of a call here: also of one that is cancelled."""
        waited_ms = (self._queues.monotonic() - since_s) * 1_000
        call.queued += (replace(facts, waited_ms=waited_ms),)
        call.steps += (Step("", QUEUED, 0, 0),)
        if self.count is not None:
            self.count.queued(self.alias, facts.outcome, int(waited_ms * 1_000))

    async def _outcome(self, waiter: _Waiter, met: QueueFacts) -> str:
        """Wait; whoever leaves meanwhile is out of the queue at once."""
        self._enter(waiter)
        loop, patience_s = asyncio.get_running_loop(), met.patience_ms / 1_000
        limit = loop.call_later(patience_s, self._shed, waiter, LATE)
        outcome = ""
        try:
            if self._is_crowded(met.elsewhere):  # by what is recorded: others come and go
                last = self._fair.last(waiter)
                self._shed(last, FULL if last is waiter else DISPLACED)
            if len(self._fair) == 1 or not self._is_closed(waiter):  # else nothing has changed
                self.look()
            outcome = await waiter.ended()
        finally:
            limit.cancel()
            waiter.give_back()
            if outcome == "":  # its caller has left
                self._leave(waiter)
                self.look()
        return outcome

    def look(self) -> None:
        """Let those go, next first, for whom there is a place."""
        self._refused.clear()
        self._weigh()
        while self._fair and self._any_place():
            waiter = self._fair.first(self._has_place)
            if waiter is None:
                break
            self._fair.serve(waiter)
            self._left(waiter)
            self._pace.placed(self._queues.monotonic())
            waiter.end(PLACED)
        while self._is_crowded(self._elsewhere()):  # others have less than their part
            self._shed(self._fair.last(), DISPLACED)
        if self._fair and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_S, self._look_again)

    def _weigh(self) -> None:
        """Count each organisation for what of it waits here, once within a look."""
        now_s = self._queues.monotonic()
        if self._shared is None or not self._fair or now_s - self._told_s < _LOOK_S:
            return
        weight, self._told_s = self._fair.spread(self._shared.part), now_s
        wanted = {one.load: None for candidates in self._wanted for one in candidates if one.load}
        for load in self._told:
            if load not in wanted:
                load.shares(self, 0.0)
        for load in wanted:
            load.shares(self, weight)
        self._told = tuple(wanted)

    def _weigh_nothing(self) -> None:
        """Say that nobody waits here any more."""
        for load in self._told:
            load.shares(self, 0.0)
        self._told, self._told_s = (), float("-inf")

    def _elsewhere(self) -> int:
        return 0 if self._shared is None else self._shared.elsewhere()

    def _is_crowded(self, elsewhere: int) -> bool:
        """Tell whether more wait than may, and one of this worker's has to go."""
        own = len(self._fair)
        return own > self.terms.part and own + elsewhere > self.terms.length_max

    def _look_again(self) -> None:
        self._timer = None
        self.look()

    def _has_place(self, waiter: _Waiter) -> bool:
        """Tell whether there is a place for one, and keep it."""
        known = (waiter.loads, waiter.rank)
        if self._refused.get(known, _ANY) <= waiter.call.tokens_needed:
            return False
        now_s = self._queues.monotonic()
        if now_s < waiter.from_s:
            return False
        passed_by = False
        well = [one for one in waiter.call.candidates if self._queues.is_well(one.breaker)]
        for one in well:
            load = one.load
            if load is None:
                return True
            if not _closed_s(load, waiter.call, waiter.says_priority):
                fresh = now_s - waiter.from_s < _LOOK_S
                if waiter.passed_by < _PASSED_BY_MAX and load.is_others_turn(fresh=fresh):
                    passed_by = True
                    continue
                waiter.take(load)
                return True
        waiter.passed_by += passed_by
        if well and not passed_by:
            self._refused[known] = waiter.call.tokens_needed
        return not well  # there is nothing to wait for

    def _any_place(self) -> bool:
        """Tell whether the least of calls would find a place: else nobody need be asked."""
        return any(
            one.load is None
            or not self._queues.is_well(one.breaker)
            or not one.load.closed_s(0, _most_urgent)
            for candidates in self._wanted
            for one in candidates
        )

    def _is_closed(self, waiter: _Waiter) -> bool:
        """Tell whether all that it waits for is."""
        return bool(waiter.loads) and min(self._closed(waiter)) > 0

    def _enter(self, waiter: _Waiter) -> None:
        if not self._fair:
            self._queues.rooms[self] = None
            self._pace.begins(self._queues.monotonic())
        self._fair.add(waiter)
        if self._shared is not None:
            self._shared.change(1, waiter.path[0])
        wanted = tuple(waiter.call.candidates)
        self._wanted[wanted] = self._wanted.get(wanted, 0) + 1
        for load in waiter.loads:
            load.waits(1)

    def _left(self, waiter: _Waiter) -> None:
        if self._shared is not None:
            self._shared.change(-1, waiter.path[0])
        for load in waiter.loads:
            load.waits(-1)
        waiter.loads = ()
        wanted = tuple(waiter.call.candidates)
        self._wanted[wanted] -= 1
        if not self._wanted[wanted]:
            del self._wanted[wanted]
        if not self._fair:
            self._queues.rooms.pop(self, None)
            self._weigh_nothing()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _leave(self, waiter: _Waiter) -> None:
        """Take one out that gets no place, unless it is out."""
        if waiter in self._fair:
            self._fair.remove(waiter)
            self._left(waiter)

    def _shed(self, waiter: _Waiter, outcome: str) -> None:
        self._leave(waiter)
        waiter.end(outcome)

    def _patience_s(self, call: "Call") -> float:
        said = call.source.header(HEADER)
        if said is None:
            return self.terms.wait_max_s
        if not said.isdigit():
            msg = "x-legato-queue-max-ms: milliseconds as a whole number; 0 for not at all"
            raise InvalidRequest(msg, param="x-legato-queue-max-ms")
        return min(self.terms.wait_max_s, int(said) / 1_000)

    def _retry_after_s(self, waiter: _Waiter) -> float:
        """Return when a place should be free for a call that comes then."""
        closed_s = min(self._closed(waiter), default=0.0)
        return max(closed_s, self._pace.wait_s(len(self._fair)), _LOOK_S)

    def _closed(self, waiter: _Waiter) -> Iterator[float]:
        for one in waiter.call.candidates:
            if one.load is not None:
                yield _closed_s(one.load, waiter.call, waiter.says_priority)


def _most_urgent() -> Priority:
    return Priority.HIGH


def _closed_s(load: "DeploymentLoad", call: "Call", priority: Callable[[], Priority]) -> float:
    return load.closed_s(call.tokens_needed, priority)


def overloaded(facts: QueueFacts, retry_after_s: float | None) -> Overloaded:
    """Return what a call is told that gets no place."""
    said = _TOLD[facts.outcome].format(patience=facts.patience_ms / 1_000)
    return Overloaded(f"Not called: {said}. Try again later.", retry_after_s=retry_after_s)
