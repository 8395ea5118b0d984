"""What conditions ask of the operator's own systems: kept for a while, asked once at a time."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from legato.core.errors import LegatoError, LookupFailed
from legato.core.expressions import context_of
from legato.core.tasks import spawn

if TYPE_CHECKING:
    from legato.core.config_lookups import Known, Lookup
    from legato.gateway.context import Call
    from legato.routing.rules.lookups import LookupCall
    from legato.routing.rules.rules import Rules
    from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)

UNDER_WAY_MAX: Final = 64
"""Of one look-up and worker; what comes beyond fails at once."""
TEXT_MAX: Final = 128
"""Characters of what is told: it is recorded with the request."""
_WARN_EACH: Final = 1_000
Asking = Callable[[str, str], Awaitable[Any]]
"""Tells the value of a key for an organisation; None where the key is unknown."""


class KeptLookup:
    """One look-up, for one event loop."""

    def __init__(self, setting: "Lookup", ask: Asking, meters: "Meters") -> None:
        self._setting = setting
        self._ask = ask
        self._meters = meters
        self._kept: OrderedDict[tuple[str, str], tuple[float, Known]] = OrderedDict()
        self._under_way: dict[tuple[str, str], asyncio.Task[Known]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failures = 0

    async def __call__(self, org: str, key: str) -> "Known":
        """Tell the value of a key. Raises LookupFailed where a failure refuses."""
        at = (org, key)
        kept = self._kept.get(at)
        if kept is not None and kept[0] > asyncio.get_running_loop().time():
            self._kept.move_to_end(at)
            self._count("kept")
            return kept[1]
        task = self._under_way.get(at)
        if task is None:
            if len(self._under_way) >= UNDER_WAY_MAX:
                return self._failed("busy")
            task = spawn(self._asked(at), owner=self._tasks, name="lookup")
            self._under_way[at] = task
            task.add_done_callback(lambda _: self._under_way.pop(at, None))
        try:  # shielded: a caller who leaves takes nothing from those who wait with it
            return await asyncio.shield(task)
        except LookupFailed as error:
            return self._failed(error.message)

    async def end(self) -> None:
        """Ask no more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _asked(self, at: tuple[str, str]) -> "Known":
        setting = self._setting
        org, key = at
        try:
            async with asyncio.timeout(setting.time_ms / 1000):
                found = await self._ask(key, org)
        except TimeoutError:
            raise LookupFailed("timeout") from None
        except LegatoError as error:
            raise LookupFailed(error.code) from None
        except Exception as error:  # noqa: BLE001 - it is not ours: whatever it is, nothing is known
            raise LookupFailed(type(error).__name__) from None
        value = setting.otherwise if found is None else found
        if not isinstance(value, str | int):
            raise LookupFailed("value")
        if isinstance(value, str):
            value = value[:TEXT_MAX]
        self._kept[at] = (asyncio.get_running_loop().time() + setting.fresh_s, value)
        self._kept.move_to_end(at)
        while len(self._kept) > setting.entries_max:
            self._kept.popitem(last=False)
        self._count("asked")
        return value

    def _failed(self, reason: str) -> "Known":
        self._count("failed")
        if self._failures % _WARN_EACH == 0:
            log.warning("a look-up failed", extra={"lookup": self._setting.name, "reason": reason})
        self._failures += 1
        if self._setting.on_failure == "otherwise":
            return self._setting.otherwise
        msg = f"The look-up {self._setting.name} failed ({reason}), and this call depends on it."
        raise LookupFailed(msg, retry_after_s=1)

    def _count(self, result: str) -> None:
        self._meters.looked_up(self._setting.name, result)


class Lookups:
    """All look-ups of this instance."""

    def __init__(self, by_name: Mapping[str, KeptLookup]) -> None:
        self._by_name = by_name

    async def of_route(self, call: "Call", rules: "Rules") -> dict[str, "Known"]:
        """Tell what a route's rules look up. Raises LookupFailed."""
        from legato.gateway.request_features import features_of  # noqa: PLC0415 - with rules only

        return await self.told(call.caller.org, rules.lookups, dict(features_of(call, rules)))

    async def told(
        self, org: str, asked: "Iterable[LookupCall]", values: Mapping[str, Any]
    ) -> dict[str, "Known"]:
        """Tell what conditions look up, by variables; what has no key here is left out."""
        context = context_of(dict(values))
        keys = {one.variable: (one.name, one.key_in(context)) for one in asked}
        wanted = {variable: pair for variable, pair in keys.items() if pair[1] is not None}
        found = await asyncio.gather(
            *(self._one(org, name, key or "") for name, key in wanted.values())
        )
        return dict(zip(wanted, found, strict=True))

    async def _one(self, org: str, name: str, key: str) -> "Known":
        lookup = self._by_name.get(name)
        if lookup is None:
            msg = f"There is no look-up {name}, and this call depends on it."
            raise LookupFailed(msg)
        return await lookup(org, key)

    async def end(self) -> None:
        """Ask no more."""
        for one in self._by_name.values():
            await one.end()
