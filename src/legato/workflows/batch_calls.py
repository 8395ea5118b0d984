"""One line of a batch as a call of the gateway, over loopback, for the key the batch acts for."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec

from legato.core.errors import RateLimited
from legato.workflows.batch_lines import Line

log = logging.getLogger(__name__)

_OK: Final = 200
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_TRIES: Final = 4
_WAIT_S: Final = 1.0
_WAIT_MAX_S: Final = 30.0
_LOOK_S: Final = 0.5
_CALL_S: Final = 3600.0


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
                status, headers, body = await self._send(session, target, line)
            except aiohttp.ClientError as error:
                log.info("the gateway didn't answer a batch", extra={"reason": str(error)[:200]})
                await asyncio.sleep(_WAIT_S)
                continue
            limited = status == _TOO_MANY and _limited(headers, body)
            failures += not limited
            passing = headers.get("x-should-retry") == "true" and failures < _TRIES
            if status != _OK and (limited or passing):
                await _pause(_wait_s(headers, failures), may_go_on)
                continue
            return self._outcome(line, status, headers, body)
        return None

    async def _send(
        self, session: aiohttp.ClientSession, target: Target, line: Line
    ) -> tuple[int, dict[str, str], Any]:
        async with session.post(
            self._base_url + target.endpoint,
            data=msgspec.json.encode(line.body),
            headers={
                "authorization": f"Bearer {target.credential}",
                "content-type": "application/json",
            },
            timeout=aiohttp.ClientTimeout(total=_CALL_S),
        ) as response:
            raw = await response.read()
            headers = {name.lower(): value for name, value in response.headers.items()}
            try:
                return response.status, headers, msgspec.json.decode(raw)
            except msgspec.DecodeError:
                return response.status, headers, raw.decode("utf-8", "replace")

    def _outcome(self, line: Line, status: int, headers: dict[str, str], body: Any) -> Outcome:
        answered = {
            "status_code": status,
            "request_id": headers.get("x-request-id", ""),
            "body": body,
        }
        return Outcome(status != _OK, outcome_line(self._new_id(), line.custom_id, answered))


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


def _limited(headers: dict[str, str], body: Any) -> bool:
    """Whether a 429 is a limit of the key; Anthropic's errors don't tell it from a provider's."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if code is None:
        return headers.get("x-should-retry") == "true"
    return bool(code == RateLimited.code)


async def _pause(wait_s: float, may_go_on: Callable[[], bool]) -> None:
    """Wait, less where the batch is cancelled meanwhile."""
    while wait_s > 0 and may_go_on():
        await asyncio.sleep(min(wait_s, _LOOK_S))
        wait_s -= _LOOK_S


def _wait_s(headers: dict[str, str], failures: int) -> float:
    asked = headers.get("retry-after", "")
    if asked.isdigit():
        return min(_WAIT_MAX_S, max(_WAIT_S, float(asked)))
    return min(_WAIT_MAX_S, _WAIT_S * 2.0**failures)
