"""One listener's events: that topics moved, merged where they can't be told one by one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from legato.api.control.live.feed import LOOK_S, Feed, Place
from legato.api.control.live.topics import heard
from legato.core.errors import Forbidden, NotFound, StorageUnavailable, Unauthenticated
from legato.core.tenant import Reach

ALIVE_S: Final = 15.0
_AGAIN_MS: Final = 2000
Reaching = Mapping[str, Reach]


async def events(
    feed: Feed,
    who: str,
    after: Place | None,
    *,
    reached: Reaching,
    again: Callable[[], Awaitable[Reaching]] | None,
) -> AsyncIterator[bytes]:
    """Yield what moves behind a place, until whoever listens isn't known any more.

    `again` says what they reach by then; None for whoever only asks what moved up to now.
    """
    loop = asyncio.get_running_loop()
    with feed.listening(who):
        await feed.begun(ALIVE_S)
        yield _event("hello", {"topics": sorted(reached), "every_s": LOOK_S}, feed.place)
        place, look_at_s = after or feed.place, loop.time() + ALIVE_S
        while True:
            now, changes = feed.place, feed.behind(place)
            topics = sorted(reached) if changes is None else heard(changes, reached)
            place = now
            if topics:
                yield _event("changed", {"topics": topics}, place)
            if again is None:
                return
            if place == feed.place:
                await feed.moves(max(0.0, look_at_s - loop.time()))
            if loop.time() >= look_at_s:
                try:
                    with suppress(StorageUnavailable):  # whoever was let in stays until it is back
                        reached = await again()
                except (Unauthenticated, Forbidden, NotFound) as error:
                    yield _event("end", {"reason": error.code}, place)
                    return
                look_at_s = loop.time() + ALIVE_S
                yield b": alive\n\n"


def _event(name: str, data: dict[str, Any], place: Place) -> bytes:
    said = msgspec.json.encode(data).decode()
    again = f"retry: {_AGAIN_MS}\n" if name == "hello" else ""
    return f"{again}id: {place.text}\nevent: {name}\ndata: {said}\n\n".encode()
