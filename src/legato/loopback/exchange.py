"""One call of the gateway over its own socket, and what its answer says beside the body."""

from collections.abc import Mapping
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from legato.core.money import amount

if TYPE_CHECKING:
    import aiohttp

OK: Final = 200
CALL_S: Final = 3600.0
WAIT_S: Final = 0.5
WAIT_MAX_S: Final = 30.0
_NS_PER_US: Final = 1_000


class Answered(NamedTuple):
    """What came back. `headers` are in lower case; `body` is decoded JSON, else text."""

    status: int
    headers: Mapping[str, str]
    body: Any
    latency_us: int

    @property
    def request_id(self) -> str:
        """Under which the ledger and traces have it."""
        return self.headers.get("x-legato-request-id") or self.headers.get("x-request-id", "")

    @property
    def cost(self) -> int | None:
        """In nano-USD; None where it is unpriced or nothing was called."""
        usd = self.headers.get("x-legato-cost-usd")
        return None if usd is None else int(amount(usd))

    @property
    def error(self) -> str:
        """The error's code, "" for an answer."""
        if self.status == OK:
            return ""
        code = self._of_error("code")
        return str(code or f"http_{self.status}")

    @property
    def told(self) -> str:
        """The error's message, "" for an answer."""
        message = "" if self.status == OK else self._of_error("message")
        return message if isinstance(message, str) else ""

    @property
    def may_pass(self) -> bool:
        """Whether the gateway says that the same call may succeed later."""
        return self.headers.get("x-should-retry") == "true"

    def _of_error(self, field: str) -> Any:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error.get(field) if isinstance(error, dict) else None


async def exchange(
    session: "aiohttp.ClientSession",
    url: str,
    body: Any,
    headers: Mapping[str, str],
    *,
    timeout_s: float = CALL_S,
) -> Answered:
    """Send a body as JSON. Raises aiohttp.ClientError, TimeoutError.

    `headers` hold the credential, as `bearer` makes them.
    """
    from aiohttp import ClientTimeout  # noqa: PLC0415 - 0.1 s that only those who call pay

    began_ns = perf_counter_ns()
    async with session.post(
        url,
        data=msgspec.json.encode(body),
        headers={"content-type": "application/json", **headers},
        timeout=ClientTimeout(total=timeout_s),
    ) as response:
        raw = await response.read()
        took_us = (perf_counter_ns() - began_ns) // _NS_PER_US
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answered(response.status, found, _decoded(raw), took_us)


def bearer(credential: str) -> dict[str, str]:
    """Return the header that lets a call in."""
    return {"authorization": f"Bearer {credential}"}


def wait_s(headers: Mapping[str, str], failures: int, *, first_s: float = WAIT_S) -> float:
    """Return how long to wait before the next try: what was asked for, else twice as long."""
    asked = headers.get("retry-after", "")
    if asked.isdigit():
        return min(WAIT_MAX_S, max(first_s, float(asked)))
    return min(WAIT_MAX_S, first_s * 2.0**failures)


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw.decode("utf-8", "replace")
