"""Kafka over TLS: librdkafka's mock cluster behind a proxy with a certificate of a CA's own."""

from __future__ import annotations

import secrets
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from legato.flow.trigger_settings import KafkaSettings
from legato.workflows.triggers.listener import ListenerFailed
from wire_servers.private_ca import server_tls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

client = pytest.importorskip("confluent_kafka")
from legato.workflows.triggers.kafka import KafkaListener, connection_of  # noqa: E402 - an extra

BODY = b'{"n": 1}'


class TlsProxy:
    """Takes TLS off, and tells clients its own port where the cluster tells its."""

    def __init__(self, cluster: tuple[str, int], tls: ssl.SSLContext) -> None:
        self._cluster, self._tls = cluster, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), self._tls.wrap_socket(plain, server_side=True) as outer:
            inner = socket.create_connection(self._cluster)
            theirs, ours = (struct.pack(">i", port) for port in (self._cluster[1], self.port))
            back = threading.Thread(target=_pump, args=(inner, outer, theirs, ours), daemon=True)
            back.start()
            _pump(outer, inner)
            inner.close()


def _pump(source: Any, sink: Any, old: bytes = b"\0", new: bytes = b"\0") -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data.replace(old, new))
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """A topic with a message, the proxy's HOST:PORT, and the file of its authority."""
    topic = f"legato-test-{secrets.token_hex(4)}"
    producer = client.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    producer.produce(topic, BODY)
    producer.flush(10)
    found = next(iter(producer.list_topics(timeout=10).brokers.values()))
    ca = tmp_path / "ca.pem"
    proxy = TlsProxy((found.host, found.port), server_tls(tmp_path, ca))
    yield topic, f"127.0.0.1:{proxy.port}", ca
    proxy.close()


def heard(address: str, topic: str) -> list[bytes]:
    """What comes first; nothing where it doesn't within a while."""
    came, stop = [], threading.Event()

    def hear(message: Any) -> None:
        came.append(message.body)
        stop.set()

    timer = threading.Timer(40, stop.set)
    timer.start()
    KafkaListener(address, KafkaSettings(key="k", connection="c", topic=topic)).listen(
        hear, lambda: None, stop
    )
    timer.cancel()
    return came


def test_messages_come_over_tls(proxied: tuple[str, str, Path]) -> None:
    topic, servers, ca = proxied
    assert heard(f"kafkas://{servers}?ca={ca}", topic) == [BODY]


def test_a_certificate_of_another_authority_is_refused(
    proxied: tuple[str, str, Path], tmp_path: Path
) -> None:
    topic, servers, _ = proxied
    other = tmp_path / "other"
    other.mkdir()
    server_tls(other, other / "ca.pem")
    with pytest.raises(ListenerFailed, match="no connection"):
        heard(f"kafkas://{servers}?ca={other / 'ca.pem'}", topic)


def test_an_authority_that_isnt_there_is_told(proxied: tuple[str, str, Path]) -> None:
    topic, servers, _ = proxied
    with pytest.raises(ListenerFailed, match="its authority"):
        heard(f"kafkas://{servers}?ca=/nowhere/ca.pem", topic)


def test_without_tls_nothing_is_heard_there(proxied: tuple[str, str, Path]) -> None:
    topic, servers, _ = proxied
    with pytest.raises(ListenerFailed):
        heard(servers, topic)


@pytest.mark.parametrize(
    ("address", "settings"),
    [
        ("a:1,b:2", {"security.protocol": "plaintext", "bootstrap.servers": "a:1,b:2"}),
        ("kafka://a:1", {"security.protocol": "plaintext", "bootstrap.servers": "a:1"}),
        ("kafkas://a:1", {"security.protocol": "ssl", "bootstrap.servers": "a:1"}),
        (
            "kafkas://me:p%40ss,w@a:1,b:2?ca=/x/ca.pem&mechanism=SCRAM-SHA-512",
            {
                "security.protocol": "sasl_ssl", "bootstrap.servers": "a:1,b:2",
                "ssl.ca.location": "/x/ca.pem", "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "me", "sasl.password": "p@ss,w",
            },
        ),
        (
            "kafka://me:pass@a:1",
            {
                "security.protocol": "sasl_plaintext", "bootstrap.servers": "a:1",
                "sasl.mechanism": "PLAIN", "sasl.username": "me", "sasl.password": "pass",
            },
        ),
    ],
)  # fmt: skip
def test_what_an_address_says(address: str, settings: dict[str, str]) -> None:
    assert connection_of(address) == settings
    known = {name: value for name, value in settings.items() if name != "ssl.ca.location"}
    client.Consumer(known | {"group.id": "g"}).close()  # librdkafka knows each of them


@pytest.mark.parametrize(
    "address",
    ["", "kafkas://", "https://a:1", "kafkas://a:1?x=1", "kafka://a:1?ca=f",
     "kafkas://u:p@a:1?mechanism=GSSAPI"],
)  # fmt: skip
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match=r"Kafka|authority"):
        connection_of(address)
