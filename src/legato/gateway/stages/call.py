"""Call the provider: attempts, retries, fallbacks, under one deadline.

Whatever happens, each attempt that was opened in the books is ended in them: the handlers
below run without awaiting anything, so a caller who leaves can't cut them.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING

from legato.core.errors import (
    AllAttemptsFailed,
    BadProviderResponse,
    LegatoError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.gateway.context import Failure, Reply
from legato.gateway.deadline import Deadline, Deadlines
from legato.gateway.quotes import without_quotes
from legato.gateway.stages.exchange import RESERVE, Exchange
from legato.resilience.retrying import wait_at_same

if TYPE_CHECKING:
    from legato.gateway.breakers import Breakers
    from legato.gateway.context import Call, Sink
    from legato.gateway.directory import Deployment, Route


class CallStage:
    """Tries the candidates in order until one answers."""

    within = (RESERVE,)
    """The stages it times by itself: once for each attempt."""

    def __init__(
        self, exchange: Exchange, breakers: "Breakers", random: Callable[[], float]
    ) -> None:
        self._exchange = exchange
        self._breakers = breakers
        self._random = random
        self._deadlines = Deadlines()

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

    async def _attempts(
        self, call: "Call", sink: "Sink", route: "Route", deadline: Deadline
    ) -> Reply:
        last: UpstreamError | None = None
        left = len(call.candidates)
        for deployment in call.candidates:
            left -= 1
            if not self._breakers.admits(deployment.breaker):
                call.failures.append(
                    Failure(deployment.name, "breaker_open", 0, "not called: its breaker is open")
                )
                continue
            for attempt in range(1, route.retry.attempts_max + 1):
                try:
                    reply = await self._once(call, sink, deployment, deadline)
                except UpstreamError as error:
                    last = error
                    if sink.began or not error.fails_over:
                        raise
                    wait_s = wait_at_same(
                        route.retry, error, self._random, attempt=attempt, others_left=left
                    )
                    if wait_s is None:
                        break
                    await asyncio.sleep(wait_s)
                else:
                    call.deployment = deployment
                    return reply
        if last is None:  # all breakers are open: the first one's probe is worth coming back for
            wait_s = min(
                (self._breakers.opens_in_s(one.breaker) for one in call.candidates), default=None
            )
            raise _all_failed(call, wait_s)
        raise _all_failed(call, last.retry_after_s)

    async def _once(
        self, call: "Call", sink: "Sink", deployment: "Deployment", deadline: Deadline
    ) -> Reply:
        call.silent_since_ns = 0
        try:
            if deployment.attempt_s:
                reply = await self._within(deployment.attempt_s, call, sink, deployment)
            else:
                reply = await self._exchange(call, sink, deployment)
        except UpstreamError as error:
            error.message = without_quotes(error.message, call.body)
            if not error.fails_over:
                self._breakers.succeeded(deployment.breaker)  # it answered: it is well
            elif error.is_outage:
                self._breakers.failed(deployment.breaker)
            else:
                self._breakers.undecided(deployment.breaker)
            call.failures.append(
                Failure(deployment.name, error.code, error.http_status, error.message)
            )
            raise
        except BaseException:
            if deadline.passed and _hung(call, deployment):  # that is its failure
                self._breakers.failed(deployment.breaker)
            else:  # no money, no caller: it says nothing about the provider
                self._breakers.undecided(deployment.breaker)
            raise
        self._breakers.succeeded(deployment.breaker)
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
