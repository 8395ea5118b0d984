"""Real brokers that ask for a user and a password: who has both hears, who hasn't is told so."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from getpass import getuser
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from legato.flow.trigger_settings import MqttSettings, NatsSettings, RabbitMQSettings, RedisSettings
from legato.workflows.triggers.listener import Listener, ListenerFailed, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USER = "legato"
BODY = b'{"n": 1}'
START_S = 20.0
HEARD_S = 30.0
NAMED = {"key": "k", "connection": "c"}


class Broker(NamedTuple):
    listener: Callable[[str], Listener]
    """Of a password."""
    send: Callable[[], None]
    password: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(command: list[str], port: int) -> Iterator[None]:
    """Run a server until it is done with, once it takes connections."""
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip(f"{command[0]} isn't installed")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([program, *command[1:]], **quiet)  # type: ignore[call-overload]
    try:
        until_s = time.monotonic() + START_S
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None
            assert time.monotonic() < until_s
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(START_S)


@contextmanager
def nats(folder: Path) -> Iterator[Broker]:
    client = pytest.importorskip("nats")
    from legato.workflows.triggers.nats_stream import NatsListener

    port, password = free_port(), secrets.token_hex(8)
    (folder / "nats.conf").write_text(
        f"listen: 127.0.0.1:{port}\njetstream {{store_dir: '{folder / 'stream'}'}}\n"
        f"authorization {{user: {USER}, password: '{password}'}}\n"
    )

    def url(given: str) -> str:
        return f"nats://{USER}:{given}@127.0.0.1:{port}"

    def send() -> None:
        async def go() -> None:
            connection = await client.connect(url(password), allow_reconnect=False)
            await connection.jetstream().add_stream(name="orders", subjects=["orders.>"])
            await connection.jetstream().publish("orders.a", BODY)
            await connection.close()

        asyncio.run(go())

    settings = NatsSettings(**NAMED, stream="orders", subject="orders.>", durable="legato")
    with served(["nats-server", "-c", str(folder / "nats.conf")], port):
        yield Broker(lambda given: NatsListener(url(given), settings), send, password)


@contextmanager
def redis(folder: Path) -> Iterator[Broker]:
    client = pytest.importorskip("redis")
    from legato.workflows.triggers.redis_stream import RedisListener

    port, password = free_port(), secrets.token_hex(8)
    (folder / "redis.conf").write_text(
        f'port {port}\nbind 127.0.0.1\ndir {folder}\nsave ""\n'
        f"user default off\nuser {USER} on >{password} ~orders +@all\n"
    )

    def url(given: str) -> str:
        return f"redis://{USER}:{given}@127.0.0.1:{port}/0"

    def send() -> None:
        with client.Redis.from_url(url(password)) as connection:
            connection.xadd("orders", {"data": BODY})

    settings = RedisSettings(**NAMED, stream="orders")
    with served(["redis-server", str(folder / "redis.conf")], port):
        yield Broker(lambda given: RedisListener(url(given), settings), send, password)


@contextmanager
def mqtt(folder: Path) -> Iterator[Broker]:
    client = pytest.importorskip("paho.mqtt.client")
    from legato.workflows.triggers.mqtt import MqttListener

    port, password = free_port(), secrets.token_hex(8)
    hasher = shutil.which("mosquitto_passwd")
    if hasher is None:
        pytest.skip("mosquitto_passwd isn't installed")
    kept = folder / "passwords"
    subprocess.run([hasher, "-c", "-b", str(kept), USER, password], check=True, capture_output=True)
    (folder / "mosquitto.conf").write_text(
        f"user {getuser()}\nlistener {port} 127.0.0.1\n"
        f"allow_anonymous false\npassword_file {kept}\n"
    )

    def url(given: str) -> str:
        return f"mqtt://{USER}:{given}@127.0.0.1:{port}"

    def send() -> None:
        sender: Any = client.Client(client.CallbackAPIVersion.VERSION2, protocol=client.MQTTv5)
        sender.username_pw_set(USER, password)
        sender.connect("127.0.0.1", port)
        sender.loop_start()
        sender.publish("orders/a", BODY, qos=1, retain=True).wait_for_publish(5)
        sender.disconnect()
        sender.loop_stop()

    settings = MqttSettings(**NAMED, topic="orders/+")
    with served(["mosquitto", "-c", str(folder / "mosquitto.conf")], port):
        yield Broker(
            lambda given: MqttListener(url(given), settings, "legato-test"), send, password
        )


@contextmanager
def rabbitmq(_folder: Path) -> Iterator[Broker]:
    pika = pytest.importorskip("pika")
    from legato.workflows.triggers.rabbitmq import RabbitMQListener

    queue = f"legato-test-{secrets.token_hex(4)}"

    def url(given: str) -> str:
        return f"amqp://guest:{given}@127.0.0.1:5672/%2F"

    try:
        connection = pika.BlockingConnection(pika.URLParameters(url("guest")))
    except pika.exceptions.AMQPError:
        pytest.skip("no RabbitMQ answers at 127.0.0.1:5672")
    channel = connection.channel()
    channel.queue_declare(queue)
    settings = RabbitMQSettings(**NAMED, queue=queue)

    def send() -> None:
        channel.basic_publish("", queue, BODY)

    yield Broker(lambda given: RabbitMQListener(url(given), settings), send, "guest")
    channel.queue_delete(queue)
    connection.close()


@pytest.mark.parametrize("opened", [nats, redis, mqtt, rabbitmq])
def test_who_has_the_password_hears(opened: Any, tmp_path: Path) -> None:
    with opened(tmp_path) as broker:
        broker.send()
        came: list[bytes] = []
        stop = threading.Event()

        def hear(message: Message) -> None:
            came.append(message.body)
            stop.set()

        listening = threading.Thread(
            target=broker.listener(broker.password).listen, args=(hear, lambda: None, stop)
        )
        listening.start()
        stop.wait(HEARD_S)
        stop.set()
        listening.join(HEARD_S)
        assert came == [BODY]

        wrong = secrets.token_hex(8)
        with pytest.raises(ListenerFailed) as refused:
            broker.listener(wrong).listen(hear, lambda: None, threading.Event())
        assert wrong not in str(refused.value)
        assert broker.password == "guest" or broker.password not in str(refused.value)
