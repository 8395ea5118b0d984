"""Deferred calls that come within a moment of each other, put into one batch.

A provider that runs batches runs one of many lines sooner and with fewer requests than many of one.
What is gathered is nowhere but here: until it is handed in, nothing was begun, and whose caller
leaves by then is not asked for.
"""

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import msgspec

from legato.core.tasks import spawn

if TYPE_CHECKING:
    from legato.core.principal import Principal

BYTES_MAX: Final = 8 * 1024 * 1024
_encode = msgspec.json.Encoder().encode


class Ticket(NamedTuple):
    """A call's place: its batch, and what its line is called there."""

    batch_id: str
    mark: str


class Gather(msgspec.Struct, frozen=True):
    """How long calls are gathered, and up to how many."""

    for_s: float
    calls_max: int


class Begin(Protocol):
    """Hands calls of one caller in, off the event loop."""

    async def __call__(
        self, caller: "Principal", endpoint: str, bodies: list[dict[str, Any]]
    ) -> list[Ticket]:
        """Return each one's place."""
        ...


class _Waiting(NamedTuple):
    body: dict[str, Any]
    place: "asyncio.Future[Ticket]"


class _Group:
    """Calls of one key to one endpoint and model."""

    def __init__(self, caller: "Principal", endpoint: str) -> None:
        self.caller = caller
        self.endpoint = endpoint
        self.waiting: list[_Waiting] = []
        self.size = 0
        self.timer: asyncio.TimerHandle | None = None


_Key = tuple[str, str, str, str]


class Gathering:
    """For one event loop."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._groups: dict[_Key, _Group] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def place(
        self, caller: "Principal", endpoint: str, body: dict[str, Any], gather: Gather
    ) -> Ticket:
        """Wait for others, then be handed in with them. Raises what handing in raises."""
        loop = asyncio.get_running_loop()
        key = (caller.org, caller.key_id, endpoint, str(body.get("model")))
        size = len(_encode(body))
        group = self._groups.get(key)
        if group is not None and group.size + size > BYTES_MAX:
            self._hand_in(key, group)
            group = None
        if group is None:
            group = self._groups[key] = _Group(caller, endpoint)
            group.timer = loop.call_later(gather.for_s, self._hand_in, key, group)
        waiting = _Waiting(body, loop.create_future())
        group.waiting.append(waiting)
        group.size += size
        if len(group.waiting) >= gather.calls_max:
            self._hand_in(key, group)
        return await waiting.place

    def _hand_in(self, key: _Key, group: _Group) -> None:
        if self._groups.get(key) is group:
            del self._groups[key]
            if group.timer is not None:
                group.timer.cancel()
            spawn(self._handed_in(group), owner=self._tasks, name="deferred")

    async def _handed_in(self, group: _Group) -> None:
        # whose caller left meanwhile is cancelled: nobody wants its answer
        left = [one for one in group.waiting if not one.place.done()]
        if not left:
            return
        try:
            places = await self._begin(group.caller, group.endpoint, [one.body for one in left])
        except Exception as error:  # noqa: BLE001 - each of them is told, whatever it is
            for one in left:
                if not one.place.done():
                    one.place.set_exception(error)
            return
        for one, place in zip(left, places, strict=True):
            if not one.place.done():
                one.place.set_result(place)
