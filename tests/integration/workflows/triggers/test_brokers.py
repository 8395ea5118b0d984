"""Messages of real brokers become runs: acknowledged once the run is there, told apart, buried."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from legato.workflows.triggers.listener import Listener, ListenerFailed
from legato.workflows.triggers.runner import TriggerRunner

CE = {"ce-specversion": "1.0", "ce-id": "same", "ce-source": "/shop", "ce-type": "order.paid"}
Send = Callable[[bytes, dict[str, str]], None]


class Broker:
    """A place at a broker of its own, and how to send to it."""

    def __init__(self, kind: str, settings: dict[str, Any], listener: Any, send: Send) -> None:
        self.kind, self.settings, self.listener, self.send = kind, settings, listener, send
        self.left: Callable[[], int] | None = None


def rabbitmq(name: str) -> Iterator[Broker]:
    pika = pytest.importorskip("pika")
    from legato.workflows.triggers.rabbitmq import RabbitMQListener

    url = "amqp://guest:guest@127.0.0.1:5672/%2F"
    try:
        connection = pika.BlockingConnection(pika.URLParameters(url))
    except pika.exceptions.AMQPError:
        pytest.skip("no RabbitMQ answers at 127.0.0.1:5672")
    channel = connection.channel()
    channel.queue_declare(name)

    def send(body: bytes, headers: dict[str, str]) -> None:
        channel.basic_publish("", name, body, pika.BasicProperties(headers=headers))

    broker = Broker("rabbitmq", {"queue": name}, lambda one: RabbitMQListener(url, one), send)
    broker.left = lambda: channel.queue_declare(name, passive=True).method.message_count
    yield broker
    channel.queue_delete(name)
    connection.close()


def nats(name: str) -> Iterator[Broker]:
    client = pytest.importorskip("nats")
    from legato.workflows.triggers.nats_stream import NatsListener

    url = "nats://127.0.0.1:4222"

    def at_broker(work: Callable[[Any], Any]) -> Any:
        async def go() -> Any:
            connection = await client.connect(url, allow_reconnect=False, connect_timeout=2)
            try:
                return await work(connection.jetstream())
            finally:
                await connection.close()

        return asyncio.run(go())

    try:
        at_broker(lambda js: js.add_stream(name=name, subjects=[f"{name}.>"]))
    except (OSError, client.errors.Error):
        pytest.skip("no NATS with JetStream answers at 127.0.0.1:4222")

    def send(body: bytes, headers: dict[str, str]) -> None:
        at_broker(lambda js: js.publish(f"{name}.a", body, headers=headers or None))

    settings = {"stream": name, "subject": f"{name}.>", "durable": "legato"}
    yield Broker("nats", settings, lambda one: NatsListener(url, one), send)
    at_broker(lambda js: js.delete_stream(name))


def redis(name: str) -> Iterator[Broker]:
    client = pytest.importorskip("redis")
    from legato.workflows.triggers.redis_stream import RedisListener

    url = "redis://127.0.0.1:6379/0"
    connection = client.Redis.from_url(url)
    try:
        connection.ping()
    except client.exceptions.RedisError:
        pytest.skip("no Redis answers at 127.0.0.1:6379")

    def send(body: bytes, headers: dict[str, str]) -> None:
        connection.xadd(name, {"data": body} | headers)

    broker = Broker("redis", {"stream": name}, lambda one: RedisListener(url, one), send)
    broker.left = lambda: connection.xpending(name, "legato")["pending"]
    yield broker
    connection.delete(name)
    connection.close()


def mqtt(name: str, version: str = "5") -> Iterator[Broker]:
    client = pytest.importorskip("paho.mqtt.client")
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    from legato.workflows.triggers.mqtt import MqttListener

    sender = client.Client(client.CallbackAPIVersion.VERSION2, protocol=client.MQTTv5)
    try:
        sender.connect("127.0.0.1", 1883)
    except OSError:
        pytest.skip("no Mosquitto answers at 127.0.0.1:1883")
    sender.loop_start()

    def send(body: bytes, headers: dict[str, str]) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        for key, value in headers.items():
            properties.UserProperty = (key.removeprefix("ce-"), value)
        sender.publish(f"{name}/pump", body, qos=1, properties=properties).wait_for_publish(5)

    settings = {"topic": f"{name}/+", "version": version}
    url = "mqtt://127.0.0.1:1883"
    yield Broker("mqtt", settings, lambda one: MqttListener(url, one, name), send)
    sender.disconnect()
    sender.loop_stop()


def mqtt_old(name: str) -> Iterator[Broker]:
    yield from mqtt(name, "3.1.1")


def kafka(name: str) -> Iterator[Broker]:
    """librdkafka's mock cluster: real connections and Kafka's protocol, in this process."""
    client = pytest.importorskip("confluent_kafka")
    from legato.workflows.triggers.kafka import KafkaListener

    producer = client.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    found = next(iter(producer.list_topics(timeout=10).brokers.values()))
    servers = f"{found.host}:{found.port}"

    def send(body: bytes, headers: dict[str, str]) -> None:
        producer.produce(name, body, headers=list(headers.items()))
        producer.flush(10)

    send(b'{"n": 0}', {})  # the mock makes a topic when it is first written to
    yield Broker("kafka", {"topic": name}, lambda one: KafkaListener(servers, one), send)


KINDS = {
    "rabbitmq": rabbitmq, "nats": nats, "redis": redis, "mqtt": mqtt, "mqtt_old": mqtt_old,
    "kafka": kafka,
}  # fmt: skip


@pytest.fixture(params=list(KINDS))
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    with contextlib.contextmanager(KINDS[request.param])(
        f"legato-test-{secrets.token_hex(4)}"
    ) as found:
        yield found


def within(seconds: float, holds: Callable[[], Any]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return bool(holds())


class Running:
    """A runner in a thread, as a process has it."""

    def __init__(self, world: Any, broker: Broker) -> None:
        settings = broker.settings | {"connection": "main"}
        self.active = world.active(broker.kind, settings=settings)

        def listener_for(active: Any) -> Listener:
            listener: Listener = broker.listener(active.settings)
            return listener

        self.runner = TriggerRunner(
            lambda: [self.active], world.intake, world.schedules, listener_for,
            deliver=world.deliver, new_id=world.ids.new,
        )  # fmt: skip
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.runner.run, args=(self.stop,), daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


def test_messages_become_runs_once_and_poison_is_buried(world: Any, broker: Broker) -> None:
    sent = [{"n": number} for number in range(5)]
    running = Running(world, broker)
    try:
        if broker.kind == "mqtt":  # its session begins with the subscription
            assert within(20, lambda: world.store().state(running.active.name).holder)
            time.sleep(2)
        for one in sent:
            broker.send(json.dumps(one).encode(), {})
        is_old = broker.settings.get("version") == "3.1.1"
        if not is_old:  # 3.1.1 has no headers
            broker.send(b'{"n": 9}', CE)
            broker.send(b'{"n": 9}', CE)
        broker.send(b'{"poison": true}', {})
        broker.send(b"\xff\xfe", {})
        wanted = {0, 1, 2, 3, 4} | (set() if is_old else {9})

        def seen() -> set[int]:
            return {one["n"] for one in world.inputs() if "n" in one}

        assert within(40, lambda: seen() == wanted and len(world.store().letters(9, None)) == 2), (
            seen(), world.store().state(running.active.name),
        )  # fmt: skip
        assert sum(one.get("n") == 9 for one in world.inputs()) == (0 if is_old else 1)
        reasons = {world.intake.opened("default", one).told
                   for one in world.store().letters(9, None)}  # fmt: skip
        assert reasons == {"input: is poison", "the message is neither JSON nor text in UTF-8"}
        if broker.left is not None:
            assert within(10, lambda: broker.left() == 0)
    finally:
        running.end()
    assert world.store().state(running.active.name).holder == ""


def test_nothing_is_acknowledged_before_its_run_is_there(world: Any, broker: Broker) -> None:
    running = Running(world, broker)
    try:
        if broker.kind == "mqtt":
            assert within(20, lambda: world.store().state(running.active.name).holder)
            time.sleep(2)
        world.away = 1  # the database is away for the first
        broker.send(b'{"n": 1}', {})
        assert within(40, lambda: {"n": 1} in world.inputs()), world.store().states()
        assert world.begun >= 2
    finally:
        running.end()
    broker.send(b'{"n": 2}', {})  # while nobody listens
    again = Running(world, broker)
    try:
        assert within(40, lambda: {"n": 2} in world.inputs()), world.store().states()
    finally:
        again.end()


def test_a_copy_begins_no_second_run_and_the_same_sent_again_does(
    world: Any, broker: Broker
) -> None:
    if broker.kind == "rabbitmq":
        pytest.skip("without a message_id RabbitMQ's messages are told from no other")
    running = Running(world, broker)
    try:
        if broker.kind == "mqtt":
            assert within(20, lambda: world.store().state(running.active.name).holder)
            time.sleep(2)
        world.cut = 1  # its run begins, and nobody hears of it: the broker sends it again
        broker.send(b'{"n": 1}', {})
        assert within(40, lambda: world.begun >= 2)
        assert within(
            10, lambda: world.store().state(running.active.name).started == 1 + _made(broker)
        )
        assert world.inputs().count({"n": 1}) == 1
        broker.send(b'{"n": 1}', {})
        assert within(40, lambda: world.inputs().count({"n": 1}) == 2), world.inputs()
    finally:
        running.end()


def _made(broker: Broker) -> int:
    """How many messages were there before: the mock of Kafka makes a topic by one."""
    return int(broker.kind == "kafka")


def test_a_broker_that_is_away_is_told_and_tried_again(world: Any) -> None:
    tries: list[int] = []

    class Away:
        def listen(self, _hear: Any, ready: Any, stop: threading.Event) -> None:
            tries.append(1)
            if len(tries) < 3:
                raise ListenerFailed("no connection to the broker: refused")
            ready()
            stop.wait(30)

    broker = Broker("redis", {"stream": "s"}, lambda _: Away(), lambda *_: None)
    running = Running(world, broker)
    try:
        state = world.store().state
        assert within(10, lambda: "refused" in state(running.active.name).trouble)
        assert within(20, lambda: len(tries) == 3 and not state(running.active.name).trouble)
    finally:
        running.end()
