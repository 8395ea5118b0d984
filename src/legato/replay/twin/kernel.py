"""The simulation: requests in their order of arrival through one world, on a virtual clock.

A discrete-event simulation (Law, "Simulation Modeling and Analysis", ch. 1): each request is a
process that says how long it waits, and nothing happens between events. The loop in `_attempts` is
`gateway.stages.call.CallStage`'s over the same decisions (order, breaker, retry, price); a test
drives both with the same failures. Times are whole microseconds, so a run is the same bit for bit.
"""

import heapq
from collections.abc import Generator, Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec

from legato.core.errors import (
    AllAttemptsFailed,
    BudgetExceeded,
    NotAccountable,
    RateLimited,
    UpstreamError,
)
from legato.economics.cost import priced, upper_bound
from legato.replay.twin.accounts import Account, Breach
from legato.replay.twin.dice import Dice, uniform
from legato.replay.twin.fates import (
    ERRORS,
    NO_ROOM,
    TIMED_OUT,
    Fate,
    fate_of,
    upper_estimate,
    within,
)
from legato.replay.twin.lines import Line, Ticket
from legato.replay.twin.traffic import US_PER_S, Request
from legato.replay.twin.world import KeyRules, Way, World
from legato.resilience.breaker import after_failure, after_silence, after_success, probe
from legato.resilience.retrying import wait_at_same
from legato.routing.strategies import moving_latency_ms

_BYTES_PER_TOKEN: Final = 4
_ATTEMPTS_MAX: Final = 64  # of one request at one place: keeps their draws apart


class Outcome(msgspec.Struct, gc=False):
    """What became of one request. `error_code` is "" where it was answered; cost in nano-USD."""

    error_code: str = ""
    cost: int = 0
    unpriced: int = 0
    latency_us: int = 0
    attempts: int = 0
    deployment: str = ""
    fell_back: bool = False
    from_cache: bool = False


class Run(msgspec.Struct, frozen=True):
    """Outcomes in the order of the requests, and the budgets that had no room."""

    outcomes: list[Outcome]
    breaches: list[Breach]


class _Call(NamedTuple):
    """One request on its way."""

    number: int
    request: Request
    outcome: Outcome
    account: Account
    way: Way
    ends_us: int


class _Hold(NamedTuple):
    amount: int
    window: int


_Wait = int | tuple[Ticket, int]
_Process = Generator[_Wait, None, None]


def simulate(world: World, requests: Sequence[Request], seed: int) -> Run:
    """Run the requests, sorted by arrival, through a world."""
    return _Simulation(world, seed).run(requests)


class _Simulation:
    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed
        self._now_us = 0
        self._count = 0
        self._events: list[tuple[int, int, _Process, Ticket | None]] = []
        self._lines = {name: Line(place, world.started_ns) for name, place in world.places.items()}
        self._accounts: dict[str, Account] = {}
        self._answered: dict[tuple[str, int], int] = {}

    def run(self, requests: Sequence[Request]) -> Run:
        outcomes = [Outcome() for _ in requests]
        events = self._events
        for index, request in enumerate(requests):
            while events and events[0][0] <= request.at_us:
                self._next_event()
            self._now_us = request.at_us
            self._go_on(self._request(index, request, outcomes[index]))
        while events:
            self._next_event()
        breaches = [one for account in self._accounts.values() for one in account.breaches.values()]
        return Run(outcomes, sorted(breaches, key=lambda breach: (breach.at_ns, breach.key)))

    def _next_event(self) -> None:
        self._now_us, _, process, ticket = heapq.heappop(self._events)
        if ticket is not None:
            if ticket.has_slot is not None:
                return  # it had its slot before its patience ended
            ticket.has_slot = False
        self._go_on(process)

    def _go_on(self, process: _Process) -> None:
        wait = next(process, None)
        if wait is None:
            return
        if isinstance(wait, int):
            self._at(self._now_us + wait, process)
            return
        ticket, patience_us = wait
        ticket.resume = partial(self._at, process=process)
        self._at(self._now_us + patience_us, process, ticket)

    def _at(self, at_us: int, process: _Process, ticket: Ticket | None = None) -> None:
        self._count += 1
        heapq.heappush(self._events, (at_us, self._count, process, ticket))

    def _account(self, key_id: str) -> Account:
        account = self._accounts.get(key_id)
        if account is None:
            rules = self._world.keys.get(key_id, KeyRules())
            account = self._accounts[key_id] = Account(rules, self._world.started_ns)
        return account

    def _request(self, index: int, request: Request, outcome: Outcome) -> _Process:
        outcome.latency_us = request.overhead_us
        if request.refused_as:
            outcome.error_code = request.refused_as
            return
        account = self._account(request.key_id)
        if not account.admits(self._now_us):
            outcome.error_code = RateLimited.code
            return
        if self._is_repeat(request):
            outcome.from_cache = True
        else:
            way = self._world.ways[request.name]
            ends_us = self._now_us + way.deadline_us
            yield from self._attempts(_Call(index, request, outcome, account, way, ends_us))
            if request.prompt and not outcome.error_code:
                self._answered[request.name, request.prompt] = self._now_us
        outcome.latency_us += self._now_us - request.at_us
        account.leave()

    def _is_repeat(self, request: Request) -> bool:
        if request.from_cache and self._world.recorded_hits:
            return True
        ttl_s = self._world.cache_ttl_s.get(request.name, 0.0)
        if not (ttl_s and request.prompt):
            return False
        at_us = self._answered.get((request.name, request.prompt))
        return at_us is not None and self._now_us - at_us < ttl_s * US_PER_S

    def _attempts(self, call: _Call) -> _Process:
        """Try the places in order until one answers."""
        dice = Dice(self._seed, call.number)
        lines = self._order(call, dice)
        retry, outcome = call.way.retry, call.outcome
        left = len(lines)
        for line in lines:
            left -= 1
            cell = probe(line.cell, self._now_us / US_PER_S)
            if cell is None:
                continue
            line.cell = cell
            for attempt in range(1, retry.attempts_max + 1):
                failure = yield from self._attempt(call, line, attempt)
                if failure is None:
                    if not outcome.error_code:
                        outcome.deployment = line.place.name
                        outcome.fell_back = line is not lines[0]
                    return
                wait_s = wait_at_same(retry, failure, dice, attempt=attempt, others_left=left)
                if wait_s is None:
                    break
                wait_us = round(wait_s * US_PER_S)
                yield min(wait_us, call.ends_us - self._now_us)
                if self._now_us >= call.ends_us:
                    outcome.error_code = TIMED_OUT
                    return
        outcome.error_code = AllAttemptsFailed.code

    def _order(self, call: _Call, dice: Dice) -> list[Line]:
        lines, way, request = self._lines, call.way, call.request
        if len(way.places) == 1:
            return [lines[way.places[0]]]
        candidates = [lines[name].candidate for name in way.places]
        ordered = [lines[one.name] for one in way.order(candidates, dice)]
        if way.as_recorded and request.attempts:
            first = request.attempts[0].deployment
            ordered.sort(key=lambda line: line.place.name != first)
        return ordered

    def _attempt(
        self, call: _Call, line: Line, attempt: int
    ) -> Generator[_Wait, None, UpstreamError | None]:
        """Make one attempt; return its failure, None where the request ended with it."""
        started_us = self._now_us
        hold = self._hold(call, line)
        if hold is None:
            line.cell = after_silence(line.cell, started_us / US_PER_S)
            return None
        call.outcome.attempts += 1
        fate = yield from self._fate(call, line, attempt)
        return self._settle(call, line, fate, (hold, started_us))

    def _hold(self, call: _Call, line: Line) -> _Hold | None:
        """Set the most that an attempt can cost aside; None, and why, where it isn't made."""
        if not call.account.has_budget:
            return _Hold(0, 0)
        place, tokens = line.place, call.request.usage.input_tokens
        price = place.prices.current
        if price is None:
            call.outcome.error_code = NotAccountable.code
            return None
        amount = upper_bound(
            price,
            input_tokens=tokens * _BYTES_PER_TOKEN,
            output_tokens=place.max_output_tokens,
            duration_us=call.way.deadline_us,
            units=call.request.usage.units if price.unit == call.request.unit else 0,
        )
        window = call.account.hold(amount, self._now_us)
        if window is None:
            call.outcome.error_code = BudgetExceeded.code
            return None
        return _Hold(amount, window)

    def _fate(self, call: _Call, line: Line, attempt: int) -> Generator[_Wait, None, Fate]:
        """Wait for a slot where they are bounded, then until the attempt's end."""
        place, started_us = line.place, self._now_us
        if line.minute is not None and not line.minute.admits(started_us):
            return NO_ROOM
        if place.slots and not line.takes_slot():
            patience_us = max(0, min(place.first_byte_us, call.ends_us - started_us))
            ticket = line.wait()
            yield ticket, patience_us
            if not ticket.has_slot:
                lost = upper_estimate(place, call.request)
                over = self._now_us >= call.ends_us
                return Fate(TIMED_OUT, lost, patience_us, past_deadline=over)
        now_us = self._now_us
        stream = call.number * _ATTEMPTS_MAX + attempt

        def chance(purpose: int) -> float:
            return uniform(self._seed, stream, line.salt + purpose)

        fate = fate_of(place, call.request, chance, made=attempt - 1, now_us=now_us)
        first_us = place.first_byte_us - (now_us - started_us)
        fate = within(fate, place, call.request, first_us=first_us, left_us=call.ends_us - now_us)
        yield fate.total_us
        if place.slots:
            line.free(self._now_us)
        return fate

    def _settle(
        self, call: _Call, line: Line, fate: Fate, opened: tuple[_Hold, int]
    ) -> UpstreamError | None:
        """Book an attempt and tell its breaker; return the failure another attempt may mend."""
        (amount, window), started_us = opened
        outcome, now_s = call.outcome, self._now_us / US_PER_S
        price = line.place.prices.of(fate.version)
        cost = priced(fate.usage, price, self._now_us - started_us, call.request.unit)
        if cost is None:
            outcome.unpriced += 1
        outcome.cost += cost or 0
        call.account.settle(window, amount, cost or 0)
        if not fate.code:
            line.cell = after_success(line.cell)
            first_ms = fate.first_us / 1_000
            line.candidate.latency_ms = moving_latency_ms(line.candidate.latency_ms, first_ms)
            return None
        error = ERRORS.get(fate.code)
        if fate.past_deadline or error is None:
            outcome.error_code = fate.code
            hung = fate.past_deadline and not 0 < fate.first_us <= fate.total_us
            hung = hung and 2 * fate.total_us >= call.way.deadline_us
        else:
            hung = error.fails_over and error.is_outage
            if fate.is_last or not error.fails_over:
                outcome.error_code = error.code
        if hung:
            line.cell = after_failure(line.cell, self._world.breaker, now_s)
        elif error is not None and not error.fails_over:
            line.cell = after_success(line.cell)
        else:
            line.cell = after_silence(line.cell, now_s)
        return None if outcome.error_code else error
