"""Call the provider: attempts, retries, fallbacks, under one deadline.

Whatever happens, each attempt that was opened in the books is ended in them: the handlers
below run without awaiting anything, so a caller who leaves can't cut them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol

from legato.core.decisions import (
    BEGAN,
    BREAKER_OPEN,
    CANCELLED,
    DEADLINE,
    FAILS_OVER,
    INTERNAL_ERROR,
    OK,
    OPENED,
    RATE_CLOSED,
    RETRYABLE,
    Step,
)
from legato.core.errors import (
    AllAttemptsFailed,
    AnswerUnfit,
    BadProviderResponse,
    LegatoError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.core.records import EntryKind
from legato.gateway.context import Failure, Reply
from legato.gateway.deadline import Deadlines
from legato.gateway.priority import is_low, priority_of
from legato.gateway.quotes import without_quotes
from legato.gateway.stages.exchange import RESERVE
from legato.gateway.stages.hedge import Race, may_be_hedged
from legato.resilience.retrying import wait_at_same

if TYPE_CHECKING:
    from legato.gateway.context import Call, Sink
    from legato.gateway.directory import Deployment, DeploymentLoad, Route
    from legato.routing.load.hedging import Hedging


class Exchanging(Protocol):
    """Makes one attempt."""

    async def __call__(self, call: "Call", sink: "Sink", deployment: "Deployment") -> Reply:
        """Return the answer, or raise; the attempt is ended in the books."""
        ...


class Breaking(Protocol):
    """What is known of deployments' health; see legato.gateway.breakers."""

    def admits(self, cell: int) -> bool:
        """Tell whether a call may be sent now."""
        ...

    def opens_in_s(self, cell: int) -> float:
        """Return in how many seconds the next probe may be sent."""
        ...

    def succeeded(self, cell: int) -> None:
        """Count a good answer."""
        ...

    def failed(self, cell: int) -> None:
        """Count a failure of the provider."""
        ...

    def undecided(self, cell: int) -> None:
        """Let the next call be the probe."""
        ...


class Limit(Protocol):
    """A limit of time on the running task."""

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        ...

    def expired(self) -> bool:
        """Tell, once cancelled, whether this limit alone was the reason."""
        ...

    def cancel(self) -> None:
        """Stop the clock."""
        ...


class Timing(Protocol):
    """Sets limits of time."""

    def start(self, after_s: float) -> Limit:
        """Set one for the running task."""
        ...


class Racing(Protocol):
    """One call's two attempts; see legato.gateway.stages.hedge."""

    async def run(self, deployment: "Deployment") -> Reply:
        """Return the answer; who gave it is set on the call."""
        ...


class CallStage:
    """Tries the candidates in order until one answers."""

    within = (RESERVE,)
    """The stages it times by itself: once for each attempt."""

    def __init__(
        self,
        exchange: Exchanging,
        breakers: Breaking,
        random: Callable[[], float],
        *,
        deadlines: Timing | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        racing: "Callable[..., Racing]" = Race,
    ) -> None:
        self._exchange = exchange
        self._breakers = breakers
        self._random = random
        self._deadlines = deadlines or Deadlines()
        self._sleep = sleep
        self._racing = racing

    async def __call__(self, call: "Call", sink: "Sink") -> Reply:
        """Return the answer; a stream has gone out through `sink` by then.

        Raises:
            AllAttemptsFailed: listing each attempt.
            ProviderRejected: the provider refused the request itself.
            ProviderTimeout: the deadline over all attempts passed.
            BudgetExceeded, NotAccountable: an attempt could not be held or journaled.
        """
        route = call.route
        if route is None:
            msg = "call runs after resolve"
            raise AssertionError(msg)
        deadline = self._deadlines.start(route.deadline_s)
        try:
            return await self._attempts(call, sink, route, deadline)
        except asyncio.CancelledError:
            if not deadline.expired():
                raise
            msg = f"No complete answer within {route.deadline_s:g} s over all attempts."
            raise ProviderTimeout(msg) from None
        finally:
            deadline.cancel()

    async def _attempts(self, call: "Call", sink: "Sink", route: "Route", deadline: Limit) -> Reply:
        if route.queue is not None and call.kind is not EntryKind.SHADOW:
            return await self._in_turn(call, sink, route, deadline)
        try:
            return await self._tried(call, sink, route, deadline)
        except _NoneOpen as none:
            if none.wait_s > route.retry.retry_after_max_s or is_low(call):
                raise _all_failed(call, none.wait_s) from None
            jitter = call.drawing(self._random)() * route.retry.backoff_base_s
            await self._sleep(none.wait_s + jitter)
        try:
            return await self._tried(call, sink, route, deadline)
        except _NoneOpen as none:
            raise _all_failed(call, none.wait_s) from None

    async def _in_turn(self, call: "Call", sink: "Sink", route: "Route", deadline: Limit) -> Reply:
        """Try the candidates once there is a place, in turn with others. Raises Overloaded."""
        queue = route.queue
        if queue is None:
            msg = "only a route with a queue is waited for"
            raise AssertionError(msg)
        waits = queue.is_ahead(call)
        while True:
            if waits:
                await queue.wait(call)
            try:
                return await self._tried(call, sink, route, deadline)
            except _NoneOpen:
                waits = True

    async def _tried(self, call: "Call", sink: "Sink", route: "Route", deadline: Limit) -> Reply:
        """Try each candidate. Raises _NoneOpen where none may be asked for a while."""
        last: UpstreamError | None = None
        left = len(call.candidates)
        for deployment in call.candidates:
            left -= 1
            if deployment.load is not None and _is_closed(call, deployment, deployment.load):
                continue
            if not self._breakers.admits(deployment.breaker):
                call.steps += (Step(deployment.name, BREAKER_OPEN, 0, 0),)
                call.failures.append(
                    Failure(deployment.name, BREAKER_OPEN, 0, "not called: its breaker is open")
                )
                continue
            for attempt in range(1, route.retry.attempts_max + 1):
                try:
                    hedging = _hedging(route, call) if left and not call.attempts else None
                    if hedging is not None:
                        return await self._race(call, sink, hedging, deadline).run(deployment)
                    reply = await self._once(call, sink, deployment, deadline)
                except UpstreamError as error:
                    last = error
                    if sink.began or not error.fails_over:
                        raise
                    draw = call.drawing(self._random)
                    wait_s = wait_at_same(
                        route.retry, error, draw, attempt=attempt, others_left=left
                    )
                    if wait_s is None:
                        break
                    await self._sleep(wait_s)
                else:
                    call.deployment = deployment
                    return reply
        if last is None:  # the first one's probe, or room, is worth coming back for
            raise self._none_open(call)
        if _comes_back(route, call, last):
            raise _NoneOpen(0.0)
        raise _all_failed(call, last.retry_after_s)

    def _race(self, call: "Call", sink: "Sink", hedging: "Hedging", deadline: Limit) -> Racing:
        """Return what makes an attempt, and a second one beside it if it is slow."""

        def once(call: "Call", sink: "Sink", deployment: "Deployment") -> Awaitable[Reply]:
            return self._once(call, sink, deployment, deadline)

        def choose(first: "Deployment", passed: list[Step]) -> "Deployment | None":
            for one in call.candidates[call.candidates.index(first) + 1 :]:
                closed_s = 0.0 if one.load is None else _closed_s(call, one.load)
                if closed_s > 0:
                    passed.append(Step(one.name, RATE_CLOSED, 0, 0, closed_s))
                elif self._breakers.admits(one.breaker):
                    return one
                else:
                    passed.append(Step(one.name, BREAKER_OPEN, 0, 0))
            return None

        return self._racing(call, sink, hedging, once=once, choose=choose)

    def _none_open(self, call: "Call") -> Exception:
        """Return what to raise where no candidate was asked."""
        waits_s: list[float] = []
        closed = False
        for one, step in zip(call.candidates, call.steps[-len(call.candidates) :], strict=True):
            is_rate = step.code == RATE_CLOSED and step.retry_after_s is not None
            closed = closed or is_rate
            probe_s = self._breakers.opens_in_s(one.breaker)
            waits_s.append((step.retry_after_s or 0.0) if is_rate else probe_s)
        if closed:
            return _NoneOpen(min(waits_s))
        return _all_failed(call, min(waits_s, default=None))

    async def _once(
        self, call: "Call", sink: "Sink", deployment: "Deployment", deadline: Limit
    ) -> Reply:
        call.silent_since_ns = 0
        numbered = call.attempts
        try:
            if deployment.load is not None:
                reply = await self._counted(deployment.load, call, sink, deployment)
            elif deployment.attempt_s:
                reply = await self._within(deployment.attempt_s, call, sink, deployment)
            else:
                reply = await self._exchange(call, sink, deployment)
        except UpstreamError as error:
            call.steps += (_failed_step(call, deployment, error, numbered, began=sink.began),)
            error.message = without_quotes(error.message, call.body)
            if not error.fails_over or isinstance(error, AnswerUnfit):
                self._breakers.succeeded(deployment.breaker)  # it answered: it is well
            elif error.is_outage:
                self._breakers.failed(deployment.breaker)
            else:
                self._breakers.undecided(deployment.breaker)
            call.failures.append(
                Failure(deployment.name, error.code, error.http_status, error.message)
            )
            raise
        except BaseException as error:
            call.steps += (_cut_step(call, deployment, error, numbered, late=deadline.passed),)
            if deadline.passed and _hung(call, deployment):  # that is its failure
                self._breakers.failed(deployment.breaker)
            else:  # no money, no caller: it says nothing about the provider
                self._breakers.undecided(deployment.breaker)
            raise
        call.steps += (Step(deployment.name, OK, _OK, OPENED),)
        self._breakers.succeeded(deployment.breaker)
        return reply

    async def _counted(
        self, load: "DeploymentLoad", call: "Call", sink: "Sink", deployment: "Deployment"
    ) -> Reply:
        """Make an attempt at a deployment whose load is counted."""
        expected = load.counted(call.tokens_needed)
        used = expected
        load.begin(expected)
        try:
            if deployment.attempt_s:
                reply = await self._within(deployment.attempt_s, call, sink, deployment)
            else:
                reply = await self._exchange(call, sink, deployment)
            used = call.usage.input_tokens + call.usage.output_tokens
            load.bore()
        except ProviderRejected:
            used = 0
            raise
        except _TOO_MUCH as error:
            if isinstance(error, ProviderRateLimited) and error.retry_after_s is not None:
                load.refused(error.retry_after_s)
            load.overloaded()
            raise
        finally:
            load.end(used - expected)
        return reply

    async def _within(
        self, limit_s: float, call: "Call", sink: "Sink", deployment: "Deployment"
    ) -> Reply:
        """Make an attempt at a provider whose own limit is below the deadline over all."""
        limit = self._deadlines.start(limit_s)
        try:
            return await self._exchange(call, sink, deployment)
        except asyncio.CancelledError:
            if not limit.expired():
                raise
            msg = f"{deployment.name}: no complete answer within {limit_s:g} s"
            late = ProviderTimeout(msg)
            late.is_outage = _hung(call, deployment)
            raise late from None
        finally:
            limit.cancel()


def _hedging(route: "Route", call: "Call") -> "Hedging | None":
    """Return how a call is hedged; None where it isn't."""
    if call.outputs is not None:  # one answer is checked at a time
        return None
    return route.hedging if route.hedging is not None and may_be_hedged(call) else None


_TOO_MUCH = (ProviderRateLimited, ProviderTimeout, ProviderUnavailable)
"""Failures that may come of having too much to do."""


class _NoneOpen(Exception):
    """No candidate may be asked before so many seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


def _comes_back(route: "Route", call: "Call", last: UpstreamError) -> bool:
    """Tell whether a call waits on that a provider has just refused for its limit of rate."""
    if route.queue is None or call.kind is EntryKind.SHADOW:
        return False
    return isinstance(last, ProviderRateLimited) and route.queue.comes_back(call)


def _closed_s(call: "Call", load: "DeploymentLoad") -> float:
    return load.closed_s(call.tokens_needed, partial(priority_of, call))


def _is_closed(call: "Call", deployment: "Deployment", load: "DeploymentLoad") -> bool:
    """Tell whether a deployment must not be asked now, and note it."""
    wait_s = _closed_s(call, load)
    if not wait_s:
        return False
    call.steps += (Step(deployment.name, RATE_CLOSED, 0, 0, wait_s),)
    said = f"not called: its limits leave no room for {wait_s:.1f} s"
    status = ProviderRateLimited.http_status
    call.failures.append(Failure(deployment.name, RATE_CLOSED, status, said))
    return True


def _failed_step(
    call: "Call", deployment: "Deployment", error: UpstreamError, numbered: int, *, began: bool
) -> Step:
    flags = OPENED if call.attempts > numbered else 0
    flags |= FAILS_OVER if error.fails_over else 0
    flags |= RETRYABLE if error.retryable else 0
    flags |= BEGAN if began else 0
    return Step(deployment.name, error.code, error.http_status, flags, error.retry_after_s)


def _cut_step(
    call: "Call", deployment: "Deployment", error: BaseException, numbered: int, *, late: bool
) -> Step:
    code, status = INTERNAL_ERROR, 0
    if isinstance(error, asyncio.CancelledError):
        code = DEADLINE if late else CANCELLED
    elif isinstance(error, LegatoError):
        code, status = error.code, error.http_status
    flags = OPENED if call.attempts > numbered else 0
    return Step(deployment.name, code, status, flags)


_OK = 200


def _hung(call: "Call", deployment: "Deployment") -> bool:
    """Tell whether an attempt cut off by a limit of time had fallen silent for half of it.

    One that began shortly before the end had no fair chance, and one whose answer still ran is
    well: neither says that the deployment is down.
    """
    limit_s = deployment.attempt_s or (call.route.deadline_s if call.route else 0.0)
    since_ns = call.silent_since_ns
    return since_ns > 0 and perf_counter_ns() - since_ns >= limit_s * _HALF_OF_S_IN_NS


_HALF_OF_S_IN_NS = 500_000_000


def _all_failed(call: "Call", retry_after_s: float | None) -> LegatoError:
    listed = "; ".join(
        f"{n}. {failure.deployment}: {failure.message.removeprefix(f'{failure.deployment}: ')}"
        for n, failure in enumerate(call.failures, 1)
    )
    error = AllAttemptsFailed(f"All attempts failed: {listed}", retry_after_s=retry_after_s)
    statuses = {failure.http_status for failure in call.failures}
    if len(statuses) == 1 and (status := statuses.pop()) in _SHARED_STATUS:
        error.http_status = status
    elif 0 in statuses or not statuses:
        error.http_status = ProviderUnavailable.http_status
    return error


_SHARED_STATUS = frozenset(
    {
        ProviderRateLimited.http_status,
        ProviderUnavailable.http_status,
        ProviderTimeout.http_status,
        BadProviderResponse.http_status,
    }
)
