"""Calls of the gateway, over loopback, for the key that an evaluation acts for."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from legato.core.errors import BudgetExceeded, Forbidden, NotFound, Unauthenticated
from legato.evaluation.scoring import Reply
from legato.loopback.exchange import WAIT_S, bearer, exchange, wait_s

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

_TRIES: Final = 4
_OF_THE_RUN: Final = frozenset(
    {BudgetExceeded.code, Forbidden.code, NotFound.code, Unauthenticated.code}
)
"""What a key may not, or may not any more: every other call of it would end the same way."""
ROUTE_HEADER: Final = "x-legato-route"
PURPOSE_HEADER: Final = "x-legato-purpose"


class Stopped(Exception):
    """The run may not go on: nothing is to be recorded."""


class Refused(Exception):
    """The gateway serves nobody so: it says nothing of an answer, and ends the run."""


class Target(NamedTuple):
    """Where calls go, with what right, and what each of them says."""

    base_url: str
    credential: str
    headers: dict[str, str]


class GatewayCaller:
    """Calls until an answer came that trying again wouldn't change."""

    def __init__(
        self, session: "aiohttp.ClientSession", target: Target, may_go_on: Callable[[], bool]
    ) -> None:
        self._session = session
        self._target = target
        self._may_go_on = may_go_on

    async def call(self, endpoint: str, body: dict[str, Any]) -> Reply:
        """Send a body to a path. Raises Stopped, Refused.

        It is sent once, whatever became of the run meanwhile: an answer that is paid for is judged
        and recorded. A limit of the key, or a gateway that starts again, is waited for; another
        failure that may pass is tried a few times. The cost is that of all tries.
        """
        from aiohttp import ClientError  # noqa: PLC0415 - 0.1 s that only those who call pay

        failures, spent = 0, 0
        while True:
            try:
                reply, headers = await self._send(endpoint, body)
            except ClientError as error:
                log.info("the gateway didn't answer", extra={"reason": type(error).__name__})
                await self._wait(WAIT_S)
                continue
            limited = reply.error == "rate_limit_exceeded"
            failures += not limited
            passing = headers.get("x-should-retry") == "true" and failures < _TRIES
            if reply.error and (limited or passing):
                spent += reply.cost or 0
                await self._wait(wait_s(headers, failures))
                continue
            if reply.error in _OF_THE_RUN:
                raise Refused(reply.error)
            cost = None if reply.cost is None else reply.cost + spent
            return msgspec.structs.replace(reply, cost=cost)

    async def _wait(self, seconds: float) -> None:
        if not self._may_go_on():
            raise Stopped
        await asyncio.sleep(seconds)

    async def _send(self, endpoint: str, body: dict[str, Any]) -> tuple[Reply, Mapping[str, str]]:
        target = self._target
        headers = {**bearer(target.credential), **target.headers}
        answered = await exchange(self._session, target.base_url + endpoint, body, headers)
        reply = Reply(
            body=answered.body,
            request_id=answered.request_id,
            cost=answered.cost,
            latency_us=answered.latency_us,
            error=answered.error,
            told=answered.told,
        )
        return reply, answered.headers
