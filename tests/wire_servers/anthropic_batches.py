"""Anthropic's message batches: create, list, retrieve, cancel, results, delete.

Built from the types of the vendor's package anthropic 2.11 (2026-11-21: `types/messages/`,
`resources/messages/batches.py`) and from its guide platform.claude.com/docs/en/build-with-claude/
batch-processing as commonly known: custom_ids of 1 to 64 letters, digits, `_` and `-`, once each;
no metadata and nothing idempotent; counts that move only when the whole batch has ended; results
only then, in no promised order; deletion only then. What the parameters of a request are is found
out when it runs: it is `errored` then.

A batch runs when `run` is called, or at once where `at_once` is set. `hold` names a step whose
answer is kept back, its effect done; of the step `arrive` the effect is kept back, too.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from wire_servers.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-ant-batches"
CUSTOM_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
USAGE = {"input_tokens": 10, "output_tokens": 4}
HELD_S = 60.0


class AnthropicBatchServer(ThreadedServer):
    """`batches` is what it keeps, `created` the ids of all that ever were."""

    def __init__(self) -> None:
        self.batches: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, list[dict[str, Any]]] = {}
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.created: list[str] = []
        self.listings = 0
        """How often somebody has looked for a batch."""
        self.at_once = True
        self.refusal = ""
        """Every batch is refused with this message."""
        self.drops = False
        """What is held on its arrival gets lost."""
        self.held = ""
        self.reached = threading.Event()
        self.released = threading.Event()
        super().__init__(
            {
                "POST /v1/messages/batches": self._create,
                "GET /v1/messages/batches": self._list,
                "GET /v1/messages/batches/{id}": self._show,
                "POST /v1/messages/batches/{id}/cancel": self._cancel,
                "GET /v1/messages/batches/{id}/results": self._results,
                "DELETE /v1/messages/batches/{id}": self._delete,
            }
        )

    def empty(self) -> None:
        """Forget everything."""
        for kept in (self.batches, self.requests, self.results, self.created):
            kept.clear()
        self.at_once, self.refusal, self.drops = True, "", False

    @contextmanager
    def hold(self, step: str) -> Iterator[None]:
        """Keep the answer to a step back while the block runs."""
        self.reached.clear()
        self.released.clear()
        self.held = step
        try:
            yield
        finally:
            self.held = ""
            self.released.set()

    def run(self, batch_id: str, *, rest: str = "succeeded", upto: int | None = None) -> None:
        """End a batch: requests before `upto` are executed, the others end as `rest` says."""
        batch, requests = self.batches[batch_id], self.requests[batch_id]
        done = requests if upto is None else requests[:upto]
        results = [_executed(one) for one in done]
        results += [
            {"custom_id": one["custom_id"], "result": {"type": rest}}
            for one in requests[len(done) :]
        ]
        counts = dict.fromkeys(batch["request_counts"], 0)
        for one in results:
            counts[one["result"]["type"]] += 1
        self.results[batch_id] = results[::-1]  # in no promised order
        batch["request_counts"], batch["processing_status"] = counts, "ended"
        batch["ended_at"] = _time(datetime.now(UTC))
        batch["results_url"] = f"{self.url}/v1/messages/batches/{batch_id}/results"

    async def _hold(self, step: str) -> None:
        if self.held == step:
            self.reached.set()
            await asyncio.to_thread(self.released.wait, HELD_S)

    async def _create(self, request: web.Request) -> web.Response:
        _authorize(request)
        body = await request.json()
        if self.refusal:
            return _refused(400, self.refusal)
        if problem := _problem(body):
            return _refused(400, problem)
        # once it has all come, whoever sent it may be gone: it is carried out
        return web.json_response(await self._made(body["requests"]))

    async def _made(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        await self._hold("arrive")
        if self.drops:
            self.drops = False
            raise web.HTTPBadGateway
        now = datetime.now(UTC)
        batch_id = f"msgbatch_{len(self.created):024d}"
        self.batches[batch_id] = {
            "id": batch_id, "type": "message_batch", "processing_status": "in_progress",
            "request_counts": {"processing": len(requests), "succeeded": 0, "errored": 0,
                               "canceled": 0, "expired": 0},
            "created_at": _time(now), "expires_at": _time(now + timedelta(hours=24)),
            "ended_at": None, "archived_at": None, "cancel_initiated_at": None,
            "results_url": None,
        }  # fmt: skip
        self.requests[batch_id] = requests
        self.created.append(batch_id)
        if self.at_once:
            self.run(batch_id)
        await self._hold("create")
        return self.batches[batch_id]

    async def _list(self, request: web.Request) -> web.Response:
        _authorize(request)
        self.listings += 1
        found = list(self.batches.values())[::-1]
        after, limit = request.query.get("after_id"), int(request.query.get("limit", "20"))
        if not 1 <= limit <= 1000:
            return _refused(400, "limit: out of range")
        if after:
            found = found[[one["id"] for one in found].index(after) + 1 :]
        page = found[:limit]
        return web.json_response(
            {"data": page, "has_more": len(found) > limit,
             "first_id": page[0]["id"] if page else None,
             "last_id": page[-1]["id"] if page else None}
        )  # fmt: skip

    async def _show(self, request: web.Request) -> web.Response:
        _authorize(request)
        await self._hold("show")
        found = self.batches.get(request.match_info["id"])
        return _missing() if found is None else web.json_response(found)

    async def _cancel(self, request: web.Request) -> web.Response:
        _authorize(request)
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return _missing()
        if batch["processing_status"] == "ended":
            return _refused(400, "The batch has ended.")
        batch["processing_status"] = "canceling"
        batch["cancel_initiated_at"] = _time(datetime.now(UTC))
        return web.json_response(batch)

    async def _results(self, request: web.Request) -> web.Response:
        _authorize(request)
        batch_id = request.match_info["id"]
        await self._hold("results")
        if batch_id not in self.results or batch_id not in self.batches:
            return _missing()
        lines = b"".join(json.dumps(one).encode() + b"\n" for one in self.results[batch_id])
        return web.Response(body=lines, content_type="application/x-jsonl")

    async def _delete(self, request: web.Request) -> web.Response:
        _authorize(request)
        batch_id = request.match_info["id"]
        if batch_id not in self.batches:
            return _missing()
        if self.batches[batch_id]["processing_status"] != "ended":
            return _refused(400, "The batch has not ended.")
        del self.batches[batch_id]
        await self._hold("delete")
        return web.json_response({"id": batch_id, "type": "message_batch_deleted"})


def _problem(body: dict[str, Any]) -> str:
    requests = body.get("requests")
    if body.keys() != {"requests"} or not isinstance(requests, list) or not requests:
        return "requests: Field required"
    names = [one["custom_id"] for one in requests]
    if not all(CUSTOM_ID.fullmatch(name) for name in names):
        return "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
    if len(set(names)) < len(names):
        return "requests: custom_id must be unique"
    for index, one in enumerate(requests):
        if one.keys() != {"custom_id", "params"} or one["params"].get("stream"):
            return f"requests.{index}: Extra inputs are not permitted"
    return ""


def _executed(request: dict[str, Any]) -> dict[str, Any]:
    params = request["params"]
    said = json.dumps(params.get("messages"))
    if "FAIL" in said or not {"model", "max_tokens", "messages"} <= params.keys():
        error = {"type": "invalid_request_error", "message": "messages: That can't be."}
        told = {"type": "error", "error": error, "request_id": "req_1"}
        return {"custom_id": request["custom_id"], "result": {"type": "errored", "error": told}}
    message = {
        "id": f"msg_{request['custom_id']}", "type": "message", "role": "assistant",
        "model": f"{params['model']}-20260101", "stop_reason": "end_turn", "stop_sequence": None,
        "content": [{"type": "text", "text": f"re: {params['messages'][-1]['content']}"}],
        "usage": USAGE,
    }  # fmt: skip
    result = {"type": "succeeded", "message": message}
    return {"custom_id": request["custom_id"], "result": result}


def _time(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


def _authorize(request: web.Request) -> None:
    headers = request.headers
    named = headers.get("x-api-key") == KEY or headers.get("authorization") == f"Bearer {KEY}"
    if not (named and headers.get("anthropic-version")):
        error = {"type": "authentication_error", "message": "invalid x-api-key"}
        raise web.HTTPUnauthorized(text=json.dumps({"type": "error", "error": error}))


def _missing() -> web.Response:
    error = {"type": "not_found_error", "message": "Not found"}
    return web.json_response({"type": "error", "error": error}, status=404)


def _refused(status: int, message: str) -> web.Response:
    error = {"type": "invalid_request_error", "message": message}
    return web.json_response({"type": "error", "error": error}, status=status)
