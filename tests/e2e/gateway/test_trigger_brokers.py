"""Messages of real brokers become runs of a running Legato: each once, whatever is killed between.

Each broker is used in a place of its own, a queue, stream or topic of a random name, that is taken
away at the end. Kafka is the mock cluster of librdkafka: its protocol over real connections, within
the process of these tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from firing import ADMIN, Firing, within

CE = {"ce-specversion": "1.0", "ce-id": "same", "ce-source": "/shop", "ce-type": "order.paid"}
Send = Callable[[bytes, dict[str, str]], None]
WITHIN_S = 90.0


class Broker:
    """A place at a broker, how a trigger names it, and how to send there."""

    def __init__(self, url: str, settings: dict[str, Any], send: Send) -> None:
        self.url, self.settings, self.send = url, settings, send


def rabbitmq(name: str) -> Iterator[Broker]:
    pika = pytest.importorskip("pika")
    url = "amqp://guest:guest@127.0.0.1:5672/%2F"

    def at_broker(work: Callable[[Any], Any]) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(url))
        try:
            work(connection.channel())
        finally:
            connection.close()

    try:
        at_broker(lambda channel: channel.queue_declare(name, durable=True))
    except pika.exceptions.AMQPError:
        pytest.skip("no RabbitMQ answers at 127.0.0.1:5672")

    def send(body: bytes, headers: dict[str, str]) -> None:
        properties = pika.BasicProperties(headers=headers, delivery_mode=2)
        at_broker(lambda channel: channel.basic_publish("", name, body, properties))

    yield Broker(url, {"queue": name}, send)
    at_broker(lambda channel: channel.queue_delete(name))


def nats(name: str) -> Iterator[Broker]:
    client = pytest.importorskip("nats")
    url = "nats://127.0.0.1:4222"

    def at_broker(work: Callable[[Any], Any]) -> None:
        async def go() -> None:
            connection = await client.connect(url, allow_reconnect=False, connect_timeout=2)
            try:
                await work(connection.jetstream())
            finally:
                await connection.close()

        asyncio.run(go())

    try:
        at_broker(lambda js: js.add_stream(name=name, subjects=[f"{name}.>"]))
    except (OSError, client.errors.Error):
        pytest.skip("no NATS with JetStream answers at 127.0.0.1:4222")

    def send(body: bytes, headers: dict[str, str]) -> None:
        at_broker(lambda js: js.publish(f"{name}.a", body, headers=headers or None))

    yield Broker(url, {"stream": name, "subject": f"{name}.>", "durable": "legato"}, send)
    at_broker(lambda js: js.delete_stream(name))


def redis(name: str) -> Iterator[Broker]:
    client = pytest.importorskip("redis")
    url = "redis://127.0.0.1:6379/0"
    connection = client.Redis.from_url(url)
    try:
        connection.ping()
    except client.exceptions.RedisError:
        pytest.skip("no Redis answers at 127.0.0.1:6379")

    def send(body: bytes, headers: dict[str, str]) -> None:
        connection.xadd(name, {"data": body} | headers)

    yield Broker(url, {"stream": name}, send)
    connection.delete(name)
    connection.close()


def mqtt(name: str) -> Iterator[Broker]:
    client = pytest.importorskip("paho.mqtt.client")
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

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
        sender.publish(f"{name}/pump", body, qos=1, properties=properties).wait_for_publish(10)

    yield Broker("mqtt://127.0.0.1:1883", {"topic": f"{name}/+"}, send)
    sender.disconnect()
    sender.loop_stop()


def kafka(name: str) -> Iterator[Broker]:
    client = pytest.importorskip("confluent_kafka")
    producer = client.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    found = next(iter(producer.list_topics(timeout=10).brokers.values()))

    def send(body: bytes, headers: dict[str, str]) -> None:
        producer.produce(name, body, headers=list(headers.items()))
        producer.flush(10)

    send(b'{"n": 0}', {})  # the mock makes a topic when it is first written to
    yield Broker(f"{found.host}:{found.port}", {"topic": name}, send)


KINDS = {"rabbitmq": rabbitmq, "nats": nats, "redis": redis, "mqtt": mqtt, "kafka": kafka}


@pytest.fixture(scope="module", params=list(KINDS))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Broker, Firing]]:
    """A broker of each kind, and a Legato whose workflow `heard` listens there."""
    kind = request.param
    with contextlib.contextmanager(KINDS[kind])(f"legato-e2e-{secrets.token_hex(4)}") as broker:
        triggers = {"connections": [{"name": "main", "kind": kind, "url": {"env": "BROKER_URL"}}]}
        variables = {"BROKER_URL": broker.url}
        firing = Firing(tmp_path_factory.mktemp(kind), triggers, variables, workers=1)
        settings = broker.settings | {"connection": "main"}
        firing.save("heard", {"name": "t", "kind": kind, "settings": settings})
        yield kind, broker, firing
        assert firing.legato.stop() == 0


def ready(firing: Firing) -> None:
    """Wait until the trigger listens: an MQTT session begins with its first subscription."""
    assert within(WITHIN_S, lambda: firing.trigger("heard")["listening"])
    time.sleep(3)


def kept(kind: str) -> set[int]:
    return {0} if kind == "kafka" else set()


@pytest.mark.timeout(300)
def test_messages_become_runs_once_and_poison_waits(place: tuple[str, Broker, Firing]) -> None:
    kind, broker, firing = place
    ready(firing)
    for number in (1, 2, 3):
        broker.send(json.dumps({"n": number}).encode(), {})
    for _ in range(3):
        broker.send(b'{"n": 9}', CE)
    broker.send(b'{"n": "no number"}', {})
    broker.send(b"\xff\xfe", {})

    def letters() -> list[Any]:
        path = "/api/v1/trigger-letters?workflow=heard"
        found: list[Any] = firing.legato.get(path, ADMIN).json["data"]
        return found

    assert within(WITHIN_S, lambda: len(letters()) == 2), firing.trigger("heard")
    firing.comes_to("heard", sorted({1, 2, 3, 9} | kept(kind)))
    counts = firing.trigger("heard")["counts"]
    assert (counts["duplicates"], counts["dead"]) == (2, 2)


@pytest.mark.timeout(400)
def test_killed_at_any_moment_none_is_lost_and_none_runs_twice(
    place: tuple[str, Broker, Firing],
) -> None:
    kind, broker, firing = place
    ready(firing)
    before = set(firing.inputs("heard"))
    wanted = set(range(100, 160))
    for number in sorted(wanted):
        event = CE | {"ce-id": str(number)}
        broker.send(json.dumps({"n": number}).encode(), event)
        if number in {115, 135}:
            firing.legato.kill()
            firing.legato.start()
        if kind == "redis" and number == 150:  # as a broker does that knows no acknowledgement
            broker.send(json.dumps({"n": number}).encode(), event)
    whole = sorted(before | wanted)
    assert within(WITHIN_S, lambda: set(firing.inputs("heard")) == before | wanted), sorted(
        (before | wanted) - set(firing.inputs("heard"))
    )
    assert firing.inputs("heard") == whole
    assert within(WITHIN_S, lambda: {one["status"] for one in firing.runs("heard")} == {"done"})


@pytest.mark.timeout(300)
def test_a_trigger_follows_its_workflow(place: tuple[str, Broker, Firing]) -> None:
    kind, broker, firing = place
    ready(firing)
    firing.save("heard")
    assert within(30, lambda: not firing.trigger("heard")["listening"])
    assert not firing.trigger("heard")["in_force"]
    broker.send(b'{"n": 500}', CE | {"ce-id": "500"})
    time.sleep(3)
    assert 500 not in firing.inputs("heard")
    settings = broker.settings | {"connection": "main"}
    firing.save("heard", {"name": "t", "kind": kind, "settings": settings})
    assert within(WITHIN_S, lambda: 500 in firing.inputs("heard"))


@pytest.mark.timeout(300)
def test_a_connection_that_is_not_there_is_told_at_once(
    place: tuple[str, Broker, Firing],
) -> None:
    kind, broker, firing = place
    settings = broker.settings | {"connection": "mian"}
    told = firing.save("wrong", {"name": "t", "kind": kind, "settings": settings}, status=400)
    message = told.error["message"]
    assert "triggers[0].settings.connection" in message
    assert "Did you mean `main`?" in message


@pytest.mark.timeout(300)
def test_a_broker_that_comes_back_is_heard_again(tmp_path: Any) -> None:
    """A broker in this process that is taken away, and given back at the same address."""
    client = pytest.importorskip("redis")
    try:
        client.Redis.from_url("redis://127.0.0.1:6379/0").ping()
    except client.exceptions.RedisError:
        pytest.skip("no Redis answers at 127.0.0.1:6379")
    from between import Between

    name = f"legato-e2e-{secrets.token_hex(4)}"
    direct = client.Redis.from_url("redis://127.0.0.1:6379/0")
    between = Between("127.0.0.1", 6379)
    triggers = {"connections": [{"name": "main", "kind": "redis", "url": {"env": "BROKER_URL"}}]}
    variables = {"BROKER_URL": f"redis://127.0.0.1:{between.port}/0"}
    firing = Firing(tmp_path, triggers, variables, workers=1)
    try:
        settings = {"stream": name, "connection": "main"}
        firing.save("heard", {"name": "t", "kind": "redis", "settings": settings})
        ready(firing)
        between.cut()
        assert within(WITHIN_S, lambda: firing.trigger("heard")["trouble"])
        direct.xadd(name, {"data": b'{"n": 1}'})
        between.restore()
        firing.comes_to("heard", [1])
        assert firing.trigger("heard")["trouble"] == ""
    finally:
        stopped = firing.legato.stop()
        between.cut()
        direct.delete(name)
        direct.close()
    assert stopped == 0
