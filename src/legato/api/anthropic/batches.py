"""Message batches in Anthropic's shape.

platform.claude.com/docs/en/api/creating-message-batches and the types of the vendor's package
anthropic 2.11 (2026-11-21).
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from legato.api.openai.files import answered, read_limit, read_query
from legato.core.errors import InvalidRequest, LegatoError
from legato.gateway.stages.read import read_json
from legato.storage.runs.batches import OPEN
from legato.workflows.batch_lines import LINES_MAX
from legato.workflows.batches import PREFIX as BATCH_PREFIX
from legato.workflows.message_batches import PREFIX, MessageBatches, Request, counts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from legato.api.endpoints import Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.core.tasks import InThread
    from legato.storage.runs.batches import BatchRecord

_NS_PER_S = 1_000_000_000
_LIMIT_DEFAULT, _LIMIT_MAX = 20, 1000
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ENDINGS = ("completed", "failed", "expired", "cancelled")
_LINES = [(b"content-type", b"application/x-jsonl")]


class MessageBatchPages:
    """What is served below `/v1/messages/batches`; `wake` tells the process that runs them."""

    def __init__(
        self, batches: MessageBatches, ask_store: "InThread", wake: "Callable[[], None]"
    ) -> None:
        self._batches = batches
        self._ask = ask_store
        self._wake = wake

    def resources(self) -> "dict[str, Resource]":
        """Return the pages by what they do."""
        return {
            "create": answered(self._create),
            "list": answered(self._list),
            "show": answered(self._show),
            "cancel": answered(self._cancel),
            "delete": answered(self._delete),
            "results": self._results,
        }

    async def _create(self, exchange: "Exchange", caller: "Principal", _id: str) -> Any:
        requests = _requests(read_json(await exchange.body()))
        made = await self._ask(lambda: batch_object(self._batches.create(caller, requests)))
        self._wake()
        return made

    async def _list(self, exchange: "Exchange", caller: "Principal", _id: str) -> Any:
        query = read_query(exchange)
        limit = read_limit(query, _LIMIT_DEFAULT, _LIMIT_MAX)
        after, before = query.get("after_id", ""), query.get("before_id", "")
        if after and before:
            raise InvalidRequest("before_id: give this or after_id", param="before_id")

        def look() -> list[dict[str, Any]]:
            found = self._batches.page(caller.org, after=after, before=before, limit=limit + 1)
            return [batch_object(one) for one in found]

        found = await self._ask(look)
        page = found[-limit:] if before else found[:limit]
        return {
            "data": page,
            "has_more": len(found) > limit,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }

    async def _show(self, _exchange: "Exchange", caller: "Principal", batch_id: str) -> Any:
        return await self._ask(lambda: batch_object(self._batches.find(caller.org, batch_id)))

    async def _cancel(self, _exchange: "Exchange", caller: "Principal", batch_id: str) -> Any:
        return await self._ask(lambda: batch_object(self._batches.cancel(caller.org, batch_id)))

    async def _delete(self, _exchange: "Exchange", caller: "Principal", batch_id: str) -> Any:
        await self._ask(lambda: self._batches.delete(caller.org, batch_id))
        return {"id": batch_id, "type": "message_batch_deleted"}

    async def _results(self, exchange: "Exchange", caller: "Principal", batch_id: str) -> None:
        """Send the results part by part: the first is read before the status goes out."""
        parts = self._batches.results(caller.org, batch_id)
        piece = await self._next(parts)
        await exchange.start(_LINES)
        try:
            while following := await self._next(parts):
                if not exchange.send(piece):
                    await exchange.drained()
                piece = following
        except LegatoError:
            exchange.cut()  # what has gone out must not be taken for all
            return
        await exchange.end(piece)

    async def _next(self, parts: "Iterator[bytes]") -> bytes:
        part: bytes = await self._ask(lambda: next(filter(None, parts), b""))
        return part


def batch_object(record: "BatchRecord") -> dict[str, Any]:
    """Return a batch as callers see it.

    `results_url` is a path, which the vendor's clients join to their base URL: by which address a
    caller reaches this server is not known here.
    """
    times = msgspec.json.decode(record.times, type=dict[str, int])
    ended_ns = next((times[status] for status in _ENDINGS if status in times), None)
    shown_id = PREFIX + record.id.removeprefix(BATCH_PREFIX)
    status = "in_progress" if record.status in OPEN else "ended"
    return {
        "id": shown_id,
        "type": "message_batch",
        "processing_status": "canceling" if record.status == "cancelling" else status,
        "request_counts": counts_of(record)._asdict(),
        "created_at": _time(record.created_at_ns),
        "expires_at": _time(record.expires_at_ns),
        "ended_at": _time(ended_ns),
        "archived_at": None,
        "cancel_initiated_at": _time(times.get("cancelling")),
        "results_url": f"/v1/messages/batches/{shown_id}/results" if status == "ended" else None,
    }


def _time(at_ns: int | None) -> str | None:
    if at_ns is None:
        return None
    return datetime.fromtimestamp(at_ns / _NS_PER_S, UTC).isoformat().replace("+00:00", "Z")


def _requests(body: dict[str, Any]) -> list[Request]:
    """Return what is to be run; what is in `params` is looked at when it is. InvalidRequest."""
    for field in body:
        if field != "requests":
            raise InvalidRequest(f"{field[:100]}: is not known here", param=field[:100])
    given = body.get("requests")
    if not isinstance(given, list) or not 1 <= len(given) <= LINES_MAX:
        msg = f"requests: must be a list of 1 to {LINES_MAX} requests"
        raise InvalidRequest(msg, param="requests")
    requests = [_request(f"requests.{number}", one) for number, one in enumerate(given)]
    seen: set[str] = set()
    for number, one in enumerate(requests):
        if one.custom_id in seen:
            place = f"requests.{number}.custom_id"
            raise InvalidRequest(f"{place}: comes twice in this batch", param=place)
        seen.add(one.custom_id)
    return requests


def _request(place: str, given: Any) -> Request:
    if not isinstance(given, dict) or given.keys() != {"custom_id", "params"}:
        msg = f"{place}: must be an object of custom_id and params"
        raise InvalidRequest(msg, param=place)
    custom_id, params = given["custom_id"], given["params"]
    if not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
        msg = f"{place}.custom_id: must be 1 to 64 letters, digits, _ and -"
        raise InvalidRequest(msg, param=f"{place}.custom_id")
    if not isinstance(params, dict):
        raise InvalidRequest(f"{place}.params: must be an object", param=f"{place}.params")
    if params.get("stream"):
        msg = f"{place}.params.stream: an answer of a batch comes whole"
        raise InvalidRequest(msg, param=f"{place}.params.stream")
    return Request(custom_id, params)
