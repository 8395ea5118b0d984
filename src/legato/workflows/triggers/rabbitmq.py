"""RabbitMQ, by pika (AMQP 0-9-1)."""

from collections.abc import Callable
from threading import Event as Flag
from typing import Any, Final

import pika
import pika.exceptions

from legato.flow.trigger_settings import RabbitMQSettings
from legato.workflows.triggers.listener import (
    CONNECT_S,
    POLL_S,
    Hear,
    ListenerFailed,
    Message,
    text_of,
)

_HEARTBEAT_S: Final = 30


class RabbitMQListener:
    """Listens at a queue that is there."""

    def __init__(self, url: str, settings: RabbitMQSettings) -> None:
        self._url = url
        self._settings = settings

    def listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        """See `Listener`."""
        try:
            self._listen(hear, ready, stop)
        except pika.exceptions.ChannelClosedByBroker as error:
            told = f"the broker refuses: {error.reply_code} {error.reply_text}"
            raise ListenerFailed(told) from None
        except (pika.exceptions.AMQPError, OSError) as error:
            raise ListenerFailed(f"no connection to the broker: {type(error).__name__}") from None

    def _listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        parameters = pika.URLParameters(self._url)
        parameters.heartbeat = _HEARTBEAT_S
        parameters.socket_timeout = parameters.blocked_connection_timeout = CONNECT_S
        connection = pika.BlockingConnection(parameters)
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=self._settings.prefetch)
            channel.queue_declare(self._settings.queue, passive=True)
            ready()
            for method, properties, body in channel.consume(
                self._settings.queue, inactivity_timeout=POLL_S
            ):
                if method is not None:
                    hear(_message(properties, body))
                    channel.basic_ack(method.delivery_tag)
                if stop.is_set():
                    return
        finally:
            if connection.is_open:
                connection.close()


def _message(properties: Any, body: bytes) -> Message:
    headers = {name: text_of(value) for name, value in (properties.headers or {}).items()}
    if properties.content_type:
        headers["content-type"] = properties.content_type
    return Message(headers=headers, body=body, id=properties.message_id or "")
