"""NATS JetStream, by nats-py: a durable pull consumer with explicit acknowledgement."""

import asyncio
from collections.abc import Callable
from threading import Event as Flag
from typing import Any, Final

import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client

from legato.flow.trigger_settings import NatsSettings
from legato.workflows.triggers.listener import CONNECT_S, POLL_S, Hear, ListenerFailed, Message

_AT_ONCE: Final = 20


class NatsListener:
    """Listens at a stream that is there."""

    def __init__(self, url: str, settings: NatsSettings) -> None:
        self._url = url
        self._settings = settings

    def listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        """See `Listener`."""
        try:
            asyncio.run(self._listen(hear, ready, stop))
        except nats.js.errors.NotFoundError:
            told = f"the broker has no stream {self._settings.stream!r}"
            raise ListenerFailed(told) from None
        except (nats.errors.Error, OSError) as error:
            raise ListenerFailed(f"no connection to the broker: {type(error).__name__}") from None

    async def _listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        lost = asyncio.Event()

        async def closed() -> None:
            lost.set()

        client = Client()
        try:
            await client.connect(
                self._url,
                allow_reconnect=False,
                connect_timeout=int(CONNECT_S),
                closed_cb=closed,
                disconnected_cb=closed,
                error_cb=_quiet,
            )
            subscription = await client.jetstream().pull_subscribe(
                self._settings.subject, durable=self._settings.durable, stream=self._settings.stream
            )
            ready()
            while not stop.is_set():
                if lost.is_set():
                    raise ListenerFailed("the connection to the broker was lost")
                try:
                    found = await subscription.fetch(_AT_ONCE, timeout=POLL_S)
                except (nats.errors.TimeoutError, TimeoutError):
                    continue
                for one in found:
                    await asyncio.to_thread(hear, _message(one))
                    await one.ack()
        finally:
            await client.close()  # one that was refused keeps its socket, else


def _message(one: Any) -> Message:
    headers = {name: str(value) for name, value in (one.headers or {}).items()}
    place = one.metadata
    given = headers.get("Nats-Msg-Id", "")
    return Message(
        headers=headers,
        body=one.data,
        id=given or f"{place.stream}/{place.sequence.stream}/{place.timestamp.isoformat()}",
    )


async def _quiet(_error: Exception) -> None:
    """Say nothing: what fails is raised where it is waited for."""
