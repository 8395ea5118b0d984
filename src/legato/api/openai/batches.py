"""Batches in OpenAI's shape."""

from typing import TYPE_CHECKING, Any

import msgspec

from legato.api.openai.files import answered, listing, read_limit, read_query
from legato.core.errors import InvalidRequest
from legato.gateway.stages.read import read_json
from legato.workflows.batches import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.api.endpoints import Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.core.tasks import InThread
    from legato.storage.runs.batches import BatchRecord
    from legato.workflows.batches import Batches

_NS_PER_S = 1_000_000_000
_LIMIT_DEFAULT, _LIMIT_MAX = 20, 100
_METADATA_MAX, _KEY_MAX, _VALUE_MAX = 16, 64, 512
_FIELDS = frozenset({"input_file_id", "endpoint", "completion_window", "metadata"})
_ENDINGS = frozenset({"completed", "expired", "cancelled"})


class BatchPages:
    """What is served below `/v1/batches`; `wake` tells the process that runs them."""

    def __init__(
        self, batches: "Batches", ask_store: "InThread", wake: "Callable[[], None]"
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
        }

    async def _create(self, exchange: "Exchange", caller: "Principal", _id: str) -> Any:
        body = read_json(await exchange.body())
        for field in body:
            if field not in _FIELDS:
                raise InvalidRequest(f"{field[:100]}: is not known here", param=field[:100])
        endpoint, file_id = body.get("endpoint"), body.get("input_file_id")
        if endpoint not in ENDPOINTS:
            msg = f"endpoint: must be one of {', '.join(ENDPOINTS)}"
            raise InvalidRequest(msg, param="endpoint")
        if not isinstance(file_id, str):
            raise InvalidRequest("input_file_id: must be a file's id", param="input_file_id")
        if body.get("completion_window") != "24h":
            raise InvalidRequest("completion_window: must be 24h", param="completion_window")
        metadata = _metadata(body.get("metadata"))

        def make() -> dict[str, Any]:
            return self._object(self._batches.create(caller, endpoint, file_id, metadata))

        made = await self._ask(make)
        self._wake()
        return made

    async def _list(self, exchange: "Exchange", caller: "Principal", _id: str) -> Any:
        query = read_query(exchange)
        limit = read_limit(query, _LIMIT_DEFAULT, _LIMIT_MAX)

        def look() -> list[dict[str, Any]]:
            found = self._batches.page(caller.org, after=query.get("after", ""), limit=limit + 1)
            return [self._object(one) for one in found]

        return listing(await self._ask(look), limit)

    async def _show(self, _exchange: "Exchange", caller: "Principal", batch_id: str) -> Any:
        return await self._ask(lambda: self._object(self._batches.shown(caller.org, batch_id)))

    async def _cancel(self, _exchange: "Exchange", caller: "Principal", batch_id: str) -> Any:
        def stop() -> dict[str, Any]:
            self._batches.shown(caller.org, batch_id)
            return self._object(self._batches.cancel(caller.org, batch_id))

        return await self._ask(stop)

    def _object(self, record: "BatchRecord") -> dict[str, Any]:
        times = msgspec.json.decode(record.times, type=dict[str, int])
        errors = self._batches.errors(record)
        ended = record.status in _ENDINGS
        made = record.completed if ended else 0
        failed = record.lines - record.completed if ended else 0
        return {
            "id": record.id,
            "object": "batch",
            "endpoint": record.endpoint,
            "errors": {"object": "list", "data": errors} if errors else None,
            "input_file_id": record.input_file_id,
            "completion_window": "24h",
            "status": record.status,
            "output_file_id": record.output_file_id if made else None,
            "error_file_id": record.error_file_id if failed else None,
            "created_at": record.created_at_ns // _NS_PER_S,
            "expires_at": record.expires_at_ns // _NS_PER_S,
            **{
                f"{status}_at": times[status] // _NS_PER_S if status in times else None
                for status in _TIMES
            },
            "request_counts": {
                "total": record.lines,
                "completed": record.completed,
                "failed": record.failed,
            },
            "metadata": self._batches.metadata(record) or None,
        }


_TIMES = (
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
)


def _metadata(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    fits = isinstance(given, dict) and len(given) <= _METADATA_MAX
    if not fits or not all(
        isinstance(value, str) and len(name) <= _KEY_MAX and len(value) <= _VALUE_MAX
        for name, value in given.items()
    ):
        msg = f"metadata: at most {_METADATA_MAX} texts, names up to {_KEY_MAX} characters"
        raise InvalidRequest(msg, param="metadata")
    return {str(name): value for name, value in given.items()}
