"""Gemini's batch mode: create with inline requests, list, get, cancel, delete.

Built from "Batch API" (ai.google.dev/gemini-api/docs/batch-api, ai.google.dev/api/batch-api) and
from the client of the vendor's package google-genai 3.4 (2026-11-21: `batches.py`, `types.py`): an
operation `batches/…` whose metadata has the display name, the state (`BATCH_STATE_…`), statistics
and, at the end, the output: a response or a google.rpc.Status a request, in the order sent, with
the metadata it came with. 20 MB of requests at most. Made by hand; no recording.

A batch runs when `run` is called, or at once where `at_once` is set. `hold` names a step whose
answer is kept back, its effect done; of the step `arrive` the effect is kept back, too.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from wire_servers.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "AIza-batches"
USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 14}
TYPE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
FIELDS = {"contents", "systemInstruction", "tools", "toolConfig", "safetySettings",
          "generationConfig", "cachedContent", "model"}  # fmt: skip
BYTES_MAX = 20_000_000
HELD_S = 60.0


class GeminiBatchServer(ThreadedServer):
    """`batches` is what it keeps by name, `created` the names of all that ever were."""

    def __init__(self) -> None:
        self.batches: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, list[dict[str, Any]]] = {}
        self.created: list[str] = []
        self.models: list[str] = []
        self.listings = 0
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
                "POST /{version:v1(?:beta)?}/models/{model}:batchGenerateContent": self._create,
                "GET /{version:v1(?:beta)?}/batches": self._list,
                "GET /{version:v1(?:beta)?}/batches/{id}": self._show,
                "POST /{version:v1(?:beta)?}/batches/{id}:cancel": self._cancel,
                "DELETE /{version:v1(?:beta)?}/batches/{id}": self._delete,
            }
        )

    def empty(self) -> None:
        """Forget everything."""
        for kept in (self.batches, self.requests, self.created, self.models):
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

    def run(
        self, name: str, *, state: str = "SUCCEEDED", told: int | None = None, error: str = ""
    ) -> None:
        """End a batch; `told` bounds how many of its answers are handed out, where not all."""
        operation, requests = self.batches[name], self.requests[name]
        answers = [_executed(one) for one in requests]
        good = sum("response" in one for one in answers) if told is None else told
        metadata = operation["metadata"]
        metadata["state"] = f"BATCH_STATE_{state}"
        metadata["endTime"] = metadata["updateTime"] = _time()
        metadata["batchStats"] = _stats(len(requests), good=good, bad=len(requests) - good)
        operation["done"] = True
        if error:
            operation["error"] = {"code": 3, "message": error}
            return
        output = {
            "@type": TYPE + "GenerateContentBatchOutput",
            "inlinedResponses": {"inlinedResponses": answers if state == "SUCCEEDED" else []},
        }
        operation["response"] = output
        metadata["output"] = {name: value for name, value in output.items() if name[0] != "@"}

    async def _hold(self, step: str) -> None:
        if self.held == step:
            self.reached.set()
            await asyncio.to_thread(self.released.wait, HELD_S)

    async def _create(self, request: web.Request) -> web.Response:
        _authorize(request)
        body = await request.json()
        if self.refusal:
            return _refused(400, "INVALID_ARGUMENT", self.refusal)
        if problem := _problem(body, await request.read()):
            return _refused(400, "INVALID_ARGUMENT", problem)
        return web.json_response(await self._made(request.match_info["model"], body["batch"]))

    async def _made(self, model: str, batch: dict[str, Any]) -> dict[str, Any]:
        await self._hold("arrive")
        if self.drops:
            self.drops = False
            raise web.HTTPBadGateway
        requests = batch["inputConfig"]["requests"]["requests"]
        name = f"batches/{len(self.created):024d}"
        self.batches[name] = {
            "name": name,
            "metadata": {
                "@type": TYPE + "GenerateContentBatch", "model": f"models/{model}",
                "displayName": batch["displayName"], "state": "BATCH_STATE_PENDING",
                "createTime": _time(), "updateTime": _time(), "name": name,
                "batchStats": _stats(len(requests)),
            },
        }  # fmt: skip
        self.requests[name] = requests
        self.created.append(name)
        self.models.append(model)
        if self.at_once:
            self.run(name)
        await self._hold("create")
        return self.batches[name]

    async def _list(self, request: web.Request) -> web.Response:
        _authorize(request)
        self.listings += 1
        found = list(self.batches.values())[::-1]
        first, size = int(request.query.get("pageToken", "0")), int(request.query["pageSize"])
        page: dict[str, Any] = {"operations": found[first : first + size]}
        if len(found) > first + size:
            page["nextPageToken"] = str(first + size)
        return web.json_response(page if page["operations"] else {})

    async def _show(self, request: web.Request) -> web.Response:
        _authorize(request)
        await self._hold("show")
        found = self.batches.get(f"batches/{request.match_info['id']}")
        return _missing() if found is None else web.json_response(found)

    async def _cancel(self, request: web.Request) -> web.Response:
        _authorize(request)
        found = self.batches.get(f"batches/{request.match_info['id']}")
        if found is None:
            return _missing()
        if found.get("done"):
            return _refused(400, "FAILED_PRECONDITION", "The batch has ended.")
        found["cancelled"] = True
        return web.json_response({})

    async def _delete(self, request: web.Request) -> web.Response:
        _authorize(request)
        if self.batches.pop(f"batches/{request.match_info['id']}", None) is None:
            return _missing()
        await self._hold("delete")
        return web.json_response({})


def _problem(body: dict[str, Any], raw: bytes) -> str:
    batch = body.get("batch")
    if body.keys() != {"batch"} or not isinstance(batch, dict) or not batch.get("displayName"):
        return "batch.display_name: must be set"
    if len(raw) > BYTES_MAX:
        return "Request payload size exceeds the limit: 20000000 bytes."
    requests = batch["inputConfig"]["requests"]["requests"]
    for one in requests:
        if not one.keys() <= {"request", "metadata"} or not one["request"].get("contents"):
            return "requests: contents is not specified"
        if unknown := one["request"].keys() - FIELDS:
            return f"Unknown name {min(unknown)!r}"
    return "" if requests else "requests: must not be empty"


def _executed(one: dict[str, Any]) -> dict[str, Any]:
    said = one["request"]["contents"][-1]["parts"][0]["text"]
    told = {"metadata": one["metadata"]} if "metadata" in one else {}
    if said == "FAIL":
        return {**told, "error": {"code": 3, "message": "The request can't be served."}}
    parts = [{"text": f"re: {said}"}]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    response = {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "g-1"}
    return {**told, "response": response}


def _stats(count: int, *, good: int = 0, bad: int = 0) -> dict[str, str]:
    """Counts are 64-bit integers: strings in the JSON of protocol buffers, zeros left out."""
    counts = {"requestCount": count, "successfulRequestCount": good, "failedRequestCount": bad,
              "pendingRequestCount": count - good - bad}  # fmt: skip
    return {name: str(number) for name, number in counts.items() if number}


def _authorize(request: web.Request) -> None:
    if request.headers.get("x-goog-api-key") != KEY:
        raise web.HTTPUnauthorized


def _refused(status: int, code: str, message: str) -> web.Response:
    error = {"code": status, "message": message, "status": code}
    return web.json_response({"error": error}, status=status)


def _missing() -> web.Response:
    return _refused(404, "NOT_FOUND", "Requested entity was not found.")


def _time() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
