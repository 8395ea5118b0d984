import pytest

from legato.core.errors import InvalidRequest
from legato.workflows.triggers.cloud_events import Fallback, read_event

FALLBACK = Fallback(source="rabbitmq/main", type="rabbitmq.message", id="7")
STRUCTURED = b"""{"specversion":"1.0","id":"1","source":"/shop","type":"order.paid",
 "subject":"o7","time":"2026-11-22T10:00:00Z","tenant":"eu","data":{"amount":7}}"""


def test_the_structured_mode() -> None:
    event = read_event({"Content-Type": "application/cloudevents+json"}, STRUCTURED, None)
    assert (event.id, event.source, event.type) == ("1", "/shop", "order.paid")
    assert event.seen()["data"] == {"amount": 7}
    assert event.seen()["tenant"] == "eu"


@pytest.mark.parametrize("prefix", ["ce-", "ce_", "cloudEvents:"])
def test_the_binary_mode_of_each_transport(prefix: str) -> None:
    names = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.paid"}
    headers = {prefix + name: value for name, value in names.items()}
    event = read_event(headers | {"content-type": "application/json"}, b'{"a":1}', None)
    assert event.data == {"a": 1}
    structured = read_event({"content-type": "application/cloudevents+json"}, STRUCTURED, None)
    assert event.digest == structured.digest


def test_a_message_that_is_none_is_named_by_where_it_came_from() -> None:
    event = read_event({}, b"plain text", FALLBACK)
    assert (event.id, event.source, event.data) == ("7", "rabbitmq/main", "plain text")


@pytest.mark.parametrize(
    ("headers", "body", "told"),
    [
        ({}, b"{}", "send a CloudEvent"),
        ({"content-type": "application/cloudevents+json"}, b"[]", "no JSON object"),
        ({"content-type": "application/cloudevents+json"}, b"[" * 100_000, "no JSON object"),
        ({"content-type": "application/cloudevents+json"}, b'{"id":"1"}', "source"),
        ({"ce-specversion": "0.3", "ce-id": "1", "ce-source": "s", "ce-type": "t"}, b"",
         "specversion"),
        ({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t"}, b"\xff",
         "UTF-8"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_by_field(
    headers: dict[str, str], body: bytes, told: str
) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_event(headers, body, None)


def test_a_source_and_an_id_do_not_run_together() -> None:
    def event(source: str, event_id: str) -> bytes:
        names = {"specversion": "1.0", "id": event_id, "source": source, "type": "t"}
        return read_event({f"ce-{name}": one for name, one in names.items()}, b"", None).digest

    assert event("ab", "c") != event("a", "bc")
