"""Stands in for the world while a request is decided again: everything goes as it was recorded."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from legato.core.decisions import (
    BEGAN,
    BREAKER_OPEN,
    CANCELLED,
    DEADLINE,
    FAILS_OVER,
    HEDGED,
    INTERNAL_ERROR,
    OK,
    OPENED,
    QUEUED,
    RATE_CLOSED,
    RETRYABLE,
    QueueFacts,
    QueueTerms,
    Step,
)
from legato.core.errors import InvalidRequest, LegatoError, UpstreamError
from legato.core.measures import read_measures
from legato.core.records import EntryKind
from legato.economics.waterfall import STEP_COLUMNS, plain_steps, steps_of
from legato.gateway.books import Books, charge
from legato.gateway.context import Reply
from legato.gateway.waiting_room import overloaded
from legato.replay.recorded import Recorded, Row, Unreplayable, usage_of
from legato.routing.load.concurrency import Priority
from legato.routing.load.queueing import LEFT, PLACED, could_be, room_left

if TYPE_CHECKING:
    from legato.gateway.context import Call, Headers, Sink
    from legato.gateway.directory import Deployment

_FACTS: Final = (
    ("deployment", "deployment"),
    ("provider", "provider"),
    ("model", "model"),
    ("region", "region"),
    ("route", "route"),
    ("price_version", "price_version"),
    ("baseline_model", "baseline_model"),
    ("config_version", "config_version"),
    ("versions", "versions"),
    ("arm", "arm"),
    ("measures", "measures"),
)
"""What an attempt's entry says of a decision: in the ledger, in the records."""


class Diverged(Exception):
    """The decisions left the path that was recorded; the message says where."""


class ReplayingSink:
    """Takes an answer nowhere."""

    def __init__(self) -> None:
        self.began = False
        self.gone = False

    async def reply(self, status: int, headers: "Headers", body: bytes) -> None:
        """Take nothing."""

    async def start(self, headers: "Headers") -> None:
        """Begin."""
        del headers
        self.began = True

    def send(self, frames: bytes) -> bool:
        """Take nothing."""
        return bool(frames) or True

    async def drained(self) -> None:
        """Wait for nobody."""

    async def end(self, frames: bytes = b"") -> None:
        """End."""

    def cut(self) -> None:
        """End."""


class ReplayingLimit:
    """A limit of time that has passed when the script says so."""

    def __init__(self) -> None:
        self.passed = False

    def expired(self) -> bool:
        """Whether it passed."""
        return self.passed

    def cancel(self) -> None:
        """Stop nothing: there is no clock."""


class Script:
    """The steps of a request, handed to whoever asks in the place of the world.

    It is the exchange, the breakers, the clock and the dice of a `CallStage`.
    """

    def __init__(self, of: Recorded, books: Books) -> None:
        self._of = of
        self.books = books
        self._steps = list(of.decision.steps)
        self._at = 0
        self._stays = list(of.decision.queued)
        self._draws: Iterator[float] = iter(of.decision.draws)
        self._limit = ReplayingLimit()
        self._started = False
        self._asked: set[str] = set()
        self._degraded = ""
        self.differences: list[str] = []
        self.has_priority = bool(of.decision.priority)

    def random(self) -> float:
        """Return the next number that was drawn."""
        number = next(self._draws, None)
        if number is None:
            msg = "a random number is drawn that was not drawn then"
            raise Diverged(msg)
        return number

    def start(self, after_s: float) -> ReplayingLimit:
        """Set a limit; the one over all attempts comes first."""
        del after_s
        if self._started:
            return ReplayingLimit()
        self._started = True
        return self._limit

    async def sleep(self, wait_s: float) -> None:
        """Wait no time; what ended while it waited then ends here."""
        del wait_s
        if self._at < len(self._steps) and self._steps[self._at].deployment in self._asked:
            return
        raise self.cut_off()

    def cut_off(self) -> BaseException:
        """Return how something ended while it waited: its time was over, or its caller left."""
        # what came after that was another answer in its place
        more = self._at < len(self._steps) or self._of.decision.degraded != self._degraded
        if more or self._of.trace["error_code"] == "provider_timeout":
            self._limit.passed = True
        return asyncio.CancelledError()

    def asks(self, call: "Call") -> None:
        """Begin with a call stage that asks a call's candidates, under a limit of its own."""
        self._asked = {"", *(one.name for one in call.candidates)}
        self._degraded = call.degraded
        self._limit, self._started = ReplayingLimit(), False

    def is_hedged(self) -> bool:
        """Tell whether beside the next attempt a second one was made."""
        following = self._steps[self._at + 1 : self._at + 2]
        return bool(following and following[0].flags & HEDGED)

    def admits(self, cell: int) -> bool:
        """Return what the breaker said then."""
        del cell
        if self._at < len(self._steps) and self._steps[self._at].code == BREAKER_OPEN:
            self._at += 1
            return False
        return True

    def closed_s(self) -> float:
        """Return for how long the next candidate was closed then."""
        if self._at < len(self._steps) and self._steps[self._at].code == RATE_CLOSED:
            self._at += 1
            return self._steps[self._at - 1].retry_after_s or 0.0
        return 0.0

    def stay(self) -> QueueFacts | None:
        """Return what became of the call in its route's queue; None where it isn't there next."""
        if self._at >= len(self._steps) or self._steps[self._at].code != QUEUED:
            return None
        return self._stays[0] if self._stays else None

    async def stayed(self) -> QueueFacts:
        """Return what became of it there; what ended while it waited ends here."""
        facts = self.stay()
        if facts is None and self._of.trace["error_code"] == InvalidRequest.code:
            raise InvalidRequest("as recorded")  # its caller's word on how long it would wait
        if facts is None:
            msg = "it waits in a queue where it did not wait"
            raise Diverged(msg)
        self._at += 1
        del self._stays[0]
        return facts

    def opens_in_s(self, cell: int) -> float:
        """Return nothing that anything is decided by."""
        del cell
        return 0.0

    def succeeded(self, cell: int) -> None:
        """Count nothing."""

    def failed(self, cell: int) -> None:
        """Count nothing."""

    def undecided(self, cell: int) -> None:
        """Count nothing."""

    async def __call__(self, call: "Call", sink: "Sink", deployment: "Deployment") -> Reply:
        """Let an attempt end as it ended then, and charge for it by the real rules."""
        step = self._next(deployment)
        entry = self._opened(call, deployment) if step.flags & OPENED else None
        if step.code == OK:
            if entry is None:
                msg = f"attempt {call.attempts} at {deployment.name} has no ledger entry"
                raise Diverged(msg)
            call.usage, call.model_served = usage_of(entry), entry["model_served"]
            sink.began = sink.began or call.view.stream
            return Reply(b"", sent=call.view.stream)
        if step.flags & BEGAN:
            sink.began = True
        if entry is not None and entry["usage_source"] == "partial":
            call.usage = usage_of(entry)
        raise self._failure(step)

    def _next(self, deployment: "Deployment") -> Step:
        if self._at >= len(self._steps):
            msg = f"an attempt at {deployment.name} that was not made then"
            raise Diverged(msg)
        step = self._steps[self._at]
        self._at += 1
        if step.deployment != deployment.name:
            msg = f"step {self._at} goes to {deployment.name}, then it went to {step.deployment}"
            raise Diverged(msg)
        return step

    def _opened(self, call: "Call", deployment: "Deployment") -> Row | None:
        """Number the attempt and compare what it costs with the ledger; None for a voided one."""
        call.attempts += 1
        entry = self._of.entries.get(call.attempts)
        if entry is None:
            return None
        call.measures = read_measures(entry["measures"])  # by what came before: not decided again
        self.compare_facts(entry, self.books.facts(call, deployment, call.attempts))
        kind = EntryKind(entry["kind"])
        paid = charge(call, deployment, kind, usage_of(entry), duration_us=entry["total_us"])
        amounts: list[tuple[str, int | None]] = [
            ("cost", paid.cost),
            ("baseline_cost", paid.baseline_cost),
        ]
        then = tuple(entry[name] for name in STEP_COLUMNS)
        plain = plain_steps(kind, entry["cost"], entry["baseline_cost"])
        if then != plain:  # or it was entered before there were steps, with what follows from it
            steps = steps_of(kind, paid.cost, paid.baseline_cost, paid.steps)
            amounts += zip(STEP_COLUMNS, steps, strict=True)
        for name, again in amounts:
            if entry[name] != again:
                said = f"attempt {call.attempts}: {name} {_nano(again)}, then {_nano(entry[name])}"
                self.differences.append(said)
        return entry

    def compare_facts(self, entry: Row, facts: object) -> None:
        """Compare what an entry says of a decision with what was decided again."""
        for column, name in _FACTS:
            again = getattr(facts, name)
            if entry[column] != again:
                said = f"attempt {entry['attempt']}: {column} {again!r}, then {entry[column]!r}"
                self.differences.append(said)

    def _failure(self, step: Step) -> BaseException:
        if step.code == CANCELLED:
            return asyncio.CancelledError()
        if step.code == DEADLINE:
            self._limit.passed = True
            return asyncio.CancelledError()
        kind = _ERRORS.get(step.code)
        if step.code == INTERNAL_ERROR or kind is None:
            msg = f"an attempt ended by {step.code}, which can't be raised again"
            raise Unreplayable(msg)
        error = kind("as recorded")
        error.http_status = step.http_status
        error.retry_after_s = step.retry_after_s
        if isinstance(error, UpstreamError):
            error.fails_over = bool(step.flags & FAILS_OVER)
            error.retryable = bool(step.flags & RETRYABLE)
        return error

    def left(self) -> str:
        """Say what was recorded and was not asked for; "" for nothing."""
        if self._at < len(self._steps):
            step = self._steps[self._at]
            return f"an attempt at {step.deployment} is not made that was made then"
        if next(self._draws, None) is not None:
            return "a random number that was drawn then is not drawn"
        return ""


class RecordedRoom:
    """A route's queue as it was for one request: who was before it is in the record."""

    def __init__(self, terms: QueueTerms, script: Script) -> None:
        self.terms = terms
        self._script = script

    def is_ahead(self, call: "Call") -> bool:
        """Tell whether others waited before it."""
        del call
        return self._script.stay() is not None

    def comes_back(self, call: "Call") -> bool:
        """Tell whether it waited on after a provider had refused it."""
        del call
        return self._script.stay() is not None

    async def wait(self, call: "Call") -> None:
        """Let it have its place, or shed it, as then. Raises Overloaded, Diverged."""
        facts = await self._script.stayed()
        before_ms = sum(one.waited_ms for one in call.queued)
        call.queued += (facts,)
        call.steps += (Step("", QUEUED, 0, 0),)
        possible = could_be(
            facts.outcome,
            waited_ms=facts.waited_ms,
            patience_ms=facts.patience_ms,
            left=room_left(self.terms, facts),
        )
        bound_ms = max(0.0, self.terms.wait_max_s * 1_000 - before_ms)
        if not possible or facts.patience_ms > bound_ms:
            msg = f"{facts.outcome} in the queue doesn't follow: {facts}"
            raise Diverged(msg)
        if facts.outcome == LEFT:
            raise self._script.cut_off()
        if facts.outcome != PLACED:
            raise overloaded(facts, None)


class RecordedLoad:
    """A deployment's load as it was when a request was decided. Counts nothing."""

    def __init__(self, script: Script, busy: float, *, near: bool) -> None:
        self._script = script
        self._busy = busy
        self._near = near

    def counted(self, tokens: int) -> int:
        """Return them as they are."""
        return tokens

    def begin(self, tokens: int) -> None:
        """Count nothing."""

    def end(self, tokens: int) -> None:
        """Count nothing."""

    def unbegin(self, tokens: int) -> None:
        """Count nothing."""

    def waits(self, change: int) -> None:
        """Count nothing."""

    def shares(self, room: Hashable, weight: float) -> None:
        """Count nothing."""

    def is_others_turn(self, *, fresh: bool) -> bool:
        """Tell nothing: who went first is in the record."""
        del fresh
        return False

    def answered(self, headers: Iterable[tuple[bytes, bytes]], latency_ms: float) -> None:
        """Take nothing in."""

    def said(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Take nothing in."""

    def refused(self, for_s: float) -> None:
        """Take nothing in."""

    def overloaded(self) -> None:
        """Take nothing in."""

    def bore(self) -> None:
        """Take nothing in."""

    def closed_s(self, tokens: int, priority: Callable[[], Priority]) -> float:
        """Return for how long it was closed."""
        del tokens
        if self._script.has_priority:
            priority()
        return self._script.closed_s()

    def is_near(self, tokens: int) -> bool:
        """Tell whether it was put last."""
        del tokens
        return self._near

    def busy(self, weight: int, *, by_latency: bool) -> float:
        """Return how busy it was."""
        del weight, by_latency
        return self._busy


def _subclasses(kind: type[LegatoError]) -> Iterator[type[LegatoError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


_ERRORS: Final = {kind.code: kind for kind in _subclasses(LegatoError) if "code" in vars(kind)}


def _nano(amount: int | None) -> str:
    return "unpriced" if amount is None else f"{amount} nano-USD"
