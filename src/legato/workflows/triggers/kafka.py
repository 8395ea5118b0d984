"""Kafka, by confluent-kafka (librdkafka): a consumer group, offsets committed by hand."""

from collections.abc import Callable
from threading import Event as Flag
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from confluent_kafka import Consumer, KafkaError, KafkaException

from legato.flow.trigger_settings import KafkaSettings
from legato.workflows.triggers.listener import POLL_S, Hear, ListenerFailed, Message, text_of

_SESSION_MS: Final = 10_000
_FATAL: Final = frozenset(
    {KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION, KafkaError._SSL}  # noqa: SLF001 - librdkafka's names
)
_TLS: Final = {"kafka": False, "kafkas": True}
_MECHANISMS: Final = frozenset({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"})
_SAID: Final = {"ca": "ssl.ca.location", "mechanism": "sasl.mechanism"}


class KafkaListener:
    """Listens at a topic; see `connection_of` for its address."""

    def __init__(self, address: str, settings: KafkaSettings) -> None:
        """Raises ValueError: the address can't be read."""
        self._connection = connection_of(address)
        self._settings = settings
        self._lost = ""

    def listen(self, hear: Hear, ready: Callable[[], None], stop: Flag) -> None:
        """See `Listener`."""
        self._lost = ""
        consumer = self._consumer()
        try:
            consumer.subscribe([self._settings.topic], on_assign=lambda *_: ready())
            while not stop.is_set():
                if self._lost:
                    raise ListenerFailed(f"no connection to the broker: {self._lost}")
                found = consumer.poll(POLL_S)
                if found is None:
                    continue
                if (error := found.error()) is not None:
                    self._on_error(error)
                    continue
                hear(_message(found))
                consumer.commit(message=found, asynchronous=False)
        except KafkaException as error:
            raise ListenerFailed(f"the broker refuses: {error.args[0].name()}") from None
        finally:
            consumer.close()

    def _consumer(self) -> Consumer:
        try:
            return Consumer(
                {
                    **self._connection,
                    "group.id": self._settings.group,
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                    "session.timeout.ms": _SESSION_MS,
                    "error_cb": self._on_error,
                    "log_level": 0,
                }
            )
        except KafkaException:
            told = "what the address says of its authority or password can't be used"
            raise ListenerFailed(told) from None

    def _on_error(self, error: Any) -> None:
        if error.code() in _FATAL or error.fatal():
            self._lost = error.name()


def connection_of(address: str) -> dict[str, str]:
    """Return librdkafka's settings for `[kafka[s]://][USER:PASSWORD@]HOST:PORT,...[?ca=&mechanism=]`.

    `kafkas` is over TLS, whose certificate must be for the host and of `ca`, a file, or of an
    authority that the machine knows. `mechanism` is how the password is shown: `PLAIN`,
    `SCRAM-SHA-256` or `SCRAM-SHA-512`.

    Raises:
        ValueError: it is none.
    """
    scheme, _, rest = address.rpartition("://")
    tls = _TLS.get(scheme or "kafka")
    told, _, query = rest.partition("?")
    who, _, servers = told.rpartition("@")
    said = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    mechanism = said.setdefault("mechanism", "PLAIN")
    if tls is None or not servers or set(said) - set(_SAID) or mechanism not in _MECHANISMS:
        msg = "no address of Kafka"
        raise ValueError(msg)
    if not tls and "ca" in said:
        msg = "a certificate authority is for `kafkas`"
        raise ValueError(msg)
    found = {_SAID[name]: value for name, value in said.items() if who or name != "mechanism"}
    user, _, password = who.partition(":")
    if who:
        found |= {"sasl.username": unquote(user), "sasl.password": unquote(password)}
    protocol = ("sasl_" if who else "") + ("ssl" if tls else "plaintext")
    return found | {"bootstrap.servers": servers, "security.protocol": protocol}


def _message(one: Any) -> Message:
    headers = {name: text_of(value) for name, value in one.headers() or ()}
    return Message(
        headers=headers,
        body=one.value() or b"",
        id=f"{one.topic()}/{one.partition()}/{one.offset()}",
    )
