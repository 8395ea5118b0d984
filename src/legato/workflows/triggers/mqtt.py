"""MQTT 5 and 3.1.1, by paho: a session that lasts, acknowledged by hand.

MQTT messages have no id of their own. With QoS 1 and 2 one that wasn't acknowledged comes again
after a cut, marked as a copy (DUP) and with its packet's number, which brokers use again: so a copy
is what is marked, with the number, topic and body of an earlier one. With QoS 0 one may be lost.
"""

import queue
from collections.abc import Callable
from hashlib import blake2b
from threading import Event as Flag
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from legato.flow.trigger_settings import MqttSettings
from legato.workflows.triggers.listener import CONNECT_S, POLL_S, Hear, ListenerFailed, Message

_SESSION_S: Final = 7 * 86_400
_WAITING_MAX: Final = 1_000
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class MqttListener:
    """Listens at a topic. `client_id` names its session: the same for every process."""

    def __init__(self, url: str, settings: MqttSettings, client_id: str) -> None:
        self._url = urlsplit(url)
        self._settings = settings
        # 23 characters are the most that every broker of 3.1.1 takes
        self._client_id = f"legato-{blake2b(client_id.encode(), digest_size=8).hexdigest()}"
        self._waiting: queue.Queue[Any] = queue.Queue(_WAITING_MAX)
        self._lost = ""

    def listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        """See `Listener`."""
        self._waiting, self._lost = queue.Queue(_WAITING_MAX), ""
        client = self._client()
        connected = Flag()
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_connect = lambda *given: self._on_connect(connected, *given)
        try:
            self._connect(client)
            client.loop_start()
            if not connected.wait(CONNECT_S) or self._lost:
                raise ListenerFailed(f"no connection to the broker: {self._lost or 'no answer'}")
            client.subscribe(self._settings.topic, qos=self._settings.qos)
            ready()
            self._hear_all(client, hear, stop)
        finally:
            client.disconnect()
            client.loop_stop()

    def _hear_all(self, client: mqtt.Client, hear: Hear, stop: Flag) -> None:
        while not stop.is_set():
            if self._lost:
                raise ListenerFailed(f"the connection to the broker was lost: {self._lost}")
            try:
                one = self._waiting.get(timeout=POLL_S)
            except queue.Empty:
                continue
            hear(self._message(one))
            client.ack(one.mid, one.qos)

    def _client(self) -> mqtt.Client:
        is_new = self._settings.version == "5"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=mqtt.MQTTv5 if is_new else mqtt.MQTTv311,
            clean_session=None if is_new else False,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if self._url.username:
            client.username_pw_set(unquote(self._url.username), unquote(self._url.password or ""))
        if self._url.scheme == "mqtts":
            client.tls_set()
        return client

    def _connect(self, client: mqtt.Client) -> None:
        port = self._url.port or _PORTS.get(self._url.scheme, _PORTS["mqtt"])
        options: dict[str, Any] = {}
        if self._settings.version == "5":
            lasting: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            lasting.SessionExpiryInterval = _SESSION_S
            options = {"clean_start": False, "properties": lasting}
        client.connect_timeout = CONNECT_S
        try:
            client.connect(self._url.hostname or "", port, keepalive=30, **options)
        except OSError as error:
            told = f"no connection to the broker: {type(error).__name__}"
            raise ListenerFailed(told) from None

    def _on_connect(self, connected: Flag, *given: Any) -> None:
        reason = given[3]
        if reason.is_failure:
            self._lost = str(reason)
        connected.set()

    def _on_disconnect(self, *given: Any) -> None:
        self._lost = str(given[3])

    def _on_message(self, _client: mqtt.Client, _data: Any, message: Any) -> None:
        self._waiting.put(message)

    def _message(self, one: Any) -> Message:
        headers = _headers(one)
        if not one.qos:
            return Message(headers=headers, body=one.payload, id="")
        content = blake2b(f"{one.topic}\x00".encode() + one.payload, digest_size=16).hexdigest()
        named = f"{self._client_id}/{one.mid}/{content}"
        return Message(headers=headers, body=one.payload, id=named, repeated=bool(one.dup))


def _headers(one: Any) -> dict[str, str]:
    headers = {"mqtt-topic": one.topic}
    properties = getattr(one, "properties", None)
    if properties is not None:
        headers |= {str(name): str(value) for name, value in
                    getattr(properties, "UserProperty", ())}  # fmt: skip
        if content_type := getattr(properties, "ContentType", ""):
            headers["content-type"] = content_type
    # binary mode over MQTT 5 has the attributes' plain names (its protocol binding, 3.1.3)
    if "specversion" in headers:
        headers |= {f"ce-{name}": value for name, value in headers.items() if "-" not in name}
    return headers
