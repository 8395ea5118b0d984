"""`POST /v1/events`: CloudEvents 1.0, structured or binary, for workflows."""

from typing import TYPE_CHECKING, Final

import msgspec

from legato.workflows.triggers.cloud_events import read_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.api.endpoints import Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.core.tasks import InThread
    from legato.workflows.triggers.events import Events, EventTaken

BODY_BYTES_MAX: Final = 1024 * 1024
_JSON = (b"content-type", b"application/json")


def event_page(opened: "Callable[[], Events]", ask_store: "InThread") -> "Resource":
    """Take events; `opened` loads and opens what they need, `ask_store` runs what blocks."""

    async def page(exchange: "Exchange", caller: "Principal", _id: str) -> None:
        await ask_store(lambda: opened().require(caller))
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in exchange.headers.items()
        }
        event = read_event(headers, await exchange.body(BODY_BYTES_MAX), None)
        taken: EventTaken = await ask_store(lambda: opened().send(caller, event))
        answer = {"object": "event", "id": event.id, "told": taken.told, "begun": taken.begun}
        await exchange.reply(202, [_JSON], msgspec.json.encode(answer))

    return page
