"""Redis streams: a consumer group, with what another consumer left unfinished taken over."""

from collections.abc import Callable
from threading import Event as Flag
from typing import Any, Final

import redis
import redis.exceptions

from legato.flow.trigger_settings import RedisSettings
from legato.workflows.triggers.listener import (
    CONNECT_S,
    POLL_S,
    Hear,
    ListenerFailed,
    Message,
    text_of,
)

_AT_ONCE: Final = 20
_BODY: Final = "data"
_CONSUMER: Final = "legato"
"""One name for all processes: only one has the trigger, and takes up what the last one left."""


class RedisListener:
    """Listens at a stream; its entries have a field `data`, and others that are headers."""

    def __init__(self, url: str, settings: RedisSettings) -> None:
        self._url = url
        self._settings = settings

    def listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        """See `Listener`."""
        try:
            self._listen(hear, ready, stop)
        except (redis.exceptions.RedisError, OSError) as error:
            raise ListenerFailed(f"no connection to the broker: {type(error).__name__}") from None

    def _listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        stream, group = self._settings.stream, self._settings.group
        client = redis.Redis.from_url(
            self._url, socket_timeout=CONNECT_S, socket_connect_timeout=CONNECT_S
        )
        try:
            try:
                client.xgroup_create(stream, group, id="0", mkstream=True)
            except redis.exceptions.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            ready()
            self._finish_own(client, hear, stop)
            while not stop.is_set():
                for entry_id, fields in self._next(client):
                    hear(_message(stream, entry_id, fields))
                    client.xack(stream, group, entry_id)
        finally:
            client.close()

    def _finish_own(self, client: Any, hear: Hear, stop: Flag) -> None:
        """Take up what was delivered and never acknowledged."""
        after: Any = "0"
        while not stop.is_set():
            found = self._read(client, after, None)
            if not found:
                return
            for entry_id, fields in found:
                if fields is not None:  # None: it was deleted meanwhile
                    hear(_message(self._settings.stream, entry_id, fields))
                client.xack(self._settings.stream, self._settings.group, entry_id)
                after = entry_id

    def _next(self, client: Any) -> list[tuple[Any, Any]]:
        return self._read(client, ">", int(POLL_S * 1000))

    def _read(self, client: Any, after: Any, block_ms: int | None) -> list[tuple[Any, Any]]:
        stream, group = self._settings.stream, self._settings.group
        found = client.xreadgroup(group, _CONSUMER, {stream: after}, count=_AT_ONCE, block=block_ms)
        return list(found[0][1]) if found else []


def _message(stream: str, entry_id: Any, fields: Any) -> Message:
    named = {text_of(name): value for name, value in fields.items()}
    body = named.pop(_BODY, b"")
    headers = {name: text_of(value) for name, value in named.items()}
    return Message(headers=headers, body=body, id=f"{stream}/{text_of(entry_id)}")
