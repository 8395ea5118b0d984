"""Calls of the gateway, over loopback, for the key that an evaluation acts for."""

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from legato.core.errors import BudgetExceeded, Forbidden, NotFound, Unauthenticated
from legato.core.money import amount
from legato.evaluation.scoring import Reply

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

_OK: Final = 200
_TRIES: Final = 4
_WAIT_S: Final = 0.5
_WAIT_MAX_S: Final = 30.0
_CALL_S: Final = 3600.0
_NS_PER_US: Final = 1_000
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
                await self._wait(_WAIT_S)
                continue
            limited = reply.error == "rate_limit_exceeded"
            failures += not limited
            passing = headers.get("x-should-retry") == "true" and failures < _TRIES
            if reply.error and (limited or passing):
                spent += reply.cost or 0
                await self._wait(_wait_s(headers, failures))
                continue
            if reply.error in _OF_THE_RUN:
                raise Refused(reply.error)
            cost = None if reply.cost is None else reply.cost + spent
            return msgspec.structs.replace(reply, cost=cost)

    async def _wait(self, seconds: float) -> None:
        if not self._may_go_on():
            raise Stopped
        await asyncio.sleep(seconds)

    async def _send(self, endpoint: str, body: dict[str, Any]) -> tuple[Reply, dict[str, str]]:
        from aiohttp import ClientTimeout  # noqa: PLC0415 - 0.1 s that only those who call pay

        began_ns = perf_counter_ns()
        async with self._session.post(
            self._target.base_url + endpoint,
            data=msgspec.json.encode(body),
            headers={
                "authorization": f"Bearer {self._target.credential}",
                "content-type": "application/json",
                **self._target.headers,
            },
            timeout=ClientTimeout(total=_CALL_S),
        ) as response:
            raw = await response.read()
            took_us = (perf_counter_ns() - began_ns) // _NS_PER_US
            headers = {name.lower(): value for name, value in response.headers.items()}
            usd = headers.get("x-legato-cost-usd")
            answered = _decoded(raw)
            reply = Reply(
                body=answered,
                request_id=headers.get("x-legato-request-id", ""),
                cost=None if usd is None else int(amount(usd)),
                latency_us=took_us,
                error="" if response.status == _OK else _code(response.status, answered),
                told="" if response.status == _OK else _message(answered),
            )
            return reply, headers


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None


def _code(status: int, body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return str(code or f"http_{status}")


def _message(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else ""


def _wait_s(headers: dict[str, str], failures: int) -> float:
    asked = headers.get("retry-after", "")
    if asked.isdigit():
        return min(_WAIT_MAX_S, max(_WAIT_S, float(asked)))
    return min(_WAIT_MAX_S, _WAIT_S * 2.0**failures)
