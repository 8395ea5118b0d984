"""Raw event streams of `/v1/responses`, each event judged by the SDK's own types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from running import Answer

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def valid(response: dict[str, Any]) -> dict[str, Any]:
    """The object, once the SDK's type takes it with every required field."""
    Response.model_validate(response)
    assert response["id"].startswith("resp_")
    return response


def events(answer: Answer) -> list[dict[str, Any]]:
    """Every event of a stream: named as its type, numbered from 0, taken by the SDK's types."""
    assert answer.headers["content-type"] == "text/event-stream"
    found = []
    for frame in answer.body.decode().split("\n\n")[:-1]:
        if frame.startswith(":"):
            continue
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        EVENT.validate_python(event)
        found.append(event)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    for event in found:
        if "response" in event:
            valid(event["response"])
    assert nested(found)
    return found


def nested(found: list[dict[str, Any]]) -> bool:
    """Items are added in order; what belongs to one comes between its `added` and `done`."""
    open_items: dict[int, str] = {}
    added = 0
    for event in found:
        kind, index = event["type"], event.get("output_index")
        if kind == "response.output_item.added":
            assert index == added
            open_items[index] = event["item"]["id"]
            added += 1
        elif kind == "response.output_item.done":
            assert open_items.pop(index) == event["item"]["id"]
        elif index is not None:
            assert open_items[index] == event["item_id"], event
    last = found[-1]
    if last["type"] in {"response.completed", "response.incomplete"}:
        assert not open_items
        done = [e["item"] for e in found if e["type"] == "response.output_item.done"]
        by_index = sorted(done, key=lambda item: item["id"][-4:])
        assert by_index == last["response"]["output"]
    return True
