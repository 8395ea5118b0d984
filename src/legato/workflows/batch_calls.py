"""One line of a batch as a call of the gateway, over loopback, for the key the batch acts for."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import aiohttp

from legato.core.clock import SystemClock
from legato.core.errors import RateLimited
from legato.loopback.exchange import OK, Answered, bearer, exchange, wait_s
from legato.workflows.batch_lines import Line

log = logging.getLogger(__name__)

_TOO_MANY: Final = 429
_TRIES: Final = 4
_WAIT_S: Final = 1.0
_LOOK_S: Final = 0.5
_NS_PER_S: Final = 1_000_000_000
AGAIN_AT: Final = "retry_at_ns"
"""Where a line says from when on it may go well, in ns since the epoch."""


class Target(NamedTuple):
    """Where calls go, and with what right."""

    endpoint: str
    credential: str


class Outcome(NamedTuple):
    """What came of a line, as it will stand in a file."""

    failed: bool
    line: dict[str, Any]


class GatewayCalls:
    """Makes calls of one gateway."""

    def __init__(self, base_url: str, new_id: Callable[[], str]) -> None:
        self._base_url = base_url
        self._new_id = new_id

    async def make(
        self,
        session: aiohttp.ClientSession,
        target: Target,
        line: Line,
        may_go_on: Callable[[], bool],
    ) -> Outcome | None:
        """Make one call; None where it may not go on before an answer came.

        A limit of the key, or a gateway that starts again, is waited for; another failure that
        may pass is tried a few times.
        """
        failures = 0
        while may_go_on():
            try:
                answered = await self._send(session, target, line)
            except aiohttp.ClientError as error:
                log.info("the gateway didn't answer a batch", extra={"reason": str(error)[:200]})
                await asyncio.sleep(_WAIT_S)
                continue
            limited = answered.status == _TOO_MANY and _limited(answered)
            failures += not limited
            passing = answered.may_pass and failures < _TRIES
            if answered.status != OK and (limited or passing):
                wait = wait_s(answered.headers, failures, first_s=_WAIT_S)
                await _pause(wait, may_go_on)
                continue
            return self._outcome(line, answered)
        return None

    async def _send(self, session: aiohttp.ClientSession, target: Target, line: Line) -> Answered:
        url = self._base_url + target.endpoint
        return await exchange(session, url, line.body, bearer(target.credential))

    def _outcome(self, line: Line, answered: Answered) -> Outcome:
        response: dict[str, Any] = {
            "status_code": answered.status,
            "request_id": answered.headers.get("x-request-id", ""),
            "body": answered.body,
        }
        failed = answered.status != OK
        after_s = answered.headers.get("retry-after", "")
        if failed and after_s.isdigit():  # from now: whoever reads it does so later
            response[AGAIN_AT] = SystemClock.now_ns() + int(after_s) * _NS_PER_S
        return Outcome(failed, outcome_line(self._new_id(), line.custom_id, response))


def outcome_line(
    line_id: str, custom_id: str, response: Any, error: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return a line of an output or error file."""
    return {
        "id": f"batch_req_{line_id}",
        "custom_id": custom_id,
        "response": response,
        "error": error,
    }


def _limited(answered: Answered) -> bool:
    """Whether a 429 is a limit of the key; Anthropic's errors don't tell it from a provider's."""
    body = answered.body
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or error.get("code") is None:
        return answered.may_pass
    return answered.error == RateLimited.code


async def _pause(wait_s: float, may_go_on: Callable[[], bool]) -> None:
    """Wait, less where the batch is cancelled meanwhile."""
    while wait_s > 0 and may_go_on():
        await asyncio.sleep(min(wait_s, _LOOK_S))
        wait_s -= _LOOK_S
