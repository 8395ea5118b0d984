"""OpenAI's files and batches: upload, create, list, retrieve, cancel, content, delete.

Built from the types of the vendor's package openai 2 (2026-11-21: `types/batch.py`,
`types/batch_error.py`, `types/file_object.py`, `resources/batches.py`, `resources/files.py`) and
from its guide platform.openai.com/docs/guides/batch as commonly known: one model a file, every
`url` the batch's endpoint, custom_ids once each, validation errors in `errors`, unfinished lines
as `batch_expired` or `batch_cancelled` in the error file. As there, nothing is idempotent.

A batch runs when `run` is called, or at once where `at_once` is set. `hold` names a step that
begins with its effect done and its answer kept back: a test can kill who waits for it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from wire_servers.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

KEY = "sk-batches"
BATCH_FIELDS = frozenset(
    {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}
)
ENDPOINTS = frozenset(
    {"/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/responses"}
)
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
NOW_S = 1_795_000_000
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
HELD_S = 30.0


class OpenAIBatchServer(ThreadedServer):
    """`files` and `batches` are what it keeps, `uploaded` what was ever sent in."""

    def __init__(self, root: str = "/v1", tokens: Container[str] = ()) -> None:
        """`root` stands before every path: `/openai/v1` is Azure's; `tokens` are let in, too."""
        self.tokens = tokens
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.uploaded: list[str] = []
        self.at_once = True
        self.refusal: dict[str, Any] | None = None
        """The errors of a batch's validation, instead of its results."""
        self.lines_max = 0
        """A batch of more lines is refused by validation; 0: none is."""
        self.limit_reached = False
        """Every batch is refused when it is created."""
        self.slow_files = False
        """What is uploaded is `pending`, as at Azure, until somebody looks at it."""
        self.away = False
        """Everything about batches is answered with 503."""
        self.held = ""
        self.reached = threading.Event()
        self.released = threading.Event()
        super().__init__(
            {
                f"POST {root}/files": self._upload,
                f"GET {root}/files": self._list_files,
                f"GET {root}/files/{{id}}": self._show_file,
                f"GET {root}/files/{{id}}/content": self._content,
                f"DELETE {root}/files/{{id}}": self._delete,
                f"POST {root}/batches": self._create,
                f"GET {root}/batches": self._list_batches,
                f"GET {root}/batches/{{id}}": self._show,
                f"POST {root}/batches/{{id}}/cancel": self._cancel,
            }
        )

    def _authorize(self, request: web.Request) -> None:
        headers = request.headers
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if KEY not in {headers.get("api-key"), token} and token not in self.tokens:
            text = json.dumps({"error": {"message": "Incorrect API key."}})
            raise web.HTTPUnauthorized(text=text)

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
        self,
        batch_id: str,
        *,
        status: str = "completed",
        upto: int | None = None,
        fails: Callable[[dict[str, Any]], bool] | None = None,
    ) -> None:
        """End a batch: lines before `upto` are executed, the others as `status` says."""
        batch = self.batches[batch_id]
        lines = [json.loads(line) for line in self.contents[batch["input_file_id"]].splitlines()]
        done = lines if upto is None else lines[:upto]
        output, errors = [], []
        for line in reversed(done):  # in no promised order
            failed = "FAIL" in json.dumps(line["body"]) or (fails is not None and fails(line))
            (errors if failed else output).append(_outcome(line, failed=failed))
        errors += [_unexecuted(line, status) for line in lines[len(done) :]]
        for field, content in (("output_file_id", output), ("error_file_id", errors)):
            if content:
                text = b"".join(json.dumps(one).encode() + b"\n" for one in content)
                batch[field] = self._keep(f"{batch_id}_{field}.jsonl", "batch_output", text)["id"]
        batch["request_counts"] = {
            "total": len(lines), "completed": len(output), "failed": len(errors)
        }  # fmt: skip
        batch["status"], batch[f"{status}_at"] = status, NOW_S

    async def _answer(self, step: str, body: dict[str, Any]) -> web.Response:
        if self.held == step:
            self.reached.set()
            await asyncio.to_thread(self.released.wait, HELD_S)
        return web.json_response(body)

    async def _upload(self, request: web.Request) -> web.Response:
        self._authorize(request)
        form = await request.post()
        file = form.get("file")
        if form.get("purpose") != "batch" or not isinstance(file, web.FileField):
            return _refused(400, "file and purpose are required", param="purpose")
        made = self._keep(file.filename, "batch", file.file.read())
        self.uploaded.append(made["id"])
        if self.slow_files:
            made["status"] = "pending"
        return await self._answer("upload", made)

    def _keep(self, name: str, purpose: str, content: bytes) -> dict[str, Any]:
        file_id = f"file-{len(self.contents):08d}"
        self.contents[file_id] = content
        self.files[file_id] = {
            "id": file_id, "object": "file", "bytes": len(content), "created_at": NOW_S,
            "filename": name, "purpose": purpose, "status": "processed",
        }  # fmt: skip
        return self.files[file_id]

    async def _list_files(self, request: web.Request) -> web.Response:
        self._authorize(request)
        purpose = request.query.get("purpose")
        found = [one for one in self.files.values() if purpose in {None, one["purpose"]}]
        for one in found:
            one["status"] = "processed"
        return _page(request, found[::-1])

    async def _show_file(self, request: web.Request) -> web.Response:
        self._authorize(request)
        found = self.files.get(request.match_info["id"])
        return _missing("File") if found is None else web.json_response(found)

    async def _content(self, request: web.Request) -> web.Response:
        self._authorize(request)
        file_id = request.match_info["id"]
        if file_id not in self.files:
            return _missing("File")
        await self._answer("content", {})
        return web.Response(body=self.contents[file_id], content_type="application/octet-stream")

    async def _delete(self, request: web.Request) -> web.Response:
        self._authorize(request)
        file_id = request.match_info["id"]
        if self.files.pop(file_id, None) is None:
            return _missing("File")
        return await self._answer("delete", {"id": file_id, "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        self._authorize(request)
        body = await request.json()
        if unknown := sorted(body.keys() - BATCH_FIELDS):
            return _refused(400, f"Unknown parameter: '{unknown[0]}'.", param=unknown[0])
        if self.limit_reached:
            return _refused(400, "Too many batches.", param=None)
        if body.get("input_file_id") not in self.files:
            return _refused(400, "Invalid input file.", param="input_file_id")
        if self.files[body["input_file_id"]]["status"] != "processed":
            return _refused(400, "The input file is not ready.", param="input_file_id")
        if body.get("endpoint") not in ENDPOINTS or body.get("completion_window") != "24h":
            return _refused(400, "Invalid value.", param="endpoint")
        batch_id = f"batch_{len(self.batches):08d}"
        batch: dict[str, Any] = {
            "id": batch_id, "object": "batch", "errors": None, "status": "in_progress",
            "output_file_id": None, "error_file_id": None, "created_at": NOW_S,
            "expires_at": NOW_S + 86_400, "metadata": None, **body,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }  # fmt: skip
        self.batches[batch_id] = batch
        content = self.contents[body["input_file_id"]]
        problems = self.refusal or _problems(content, body["endpoint"])
        if 0 < self.lines_max < len(content.splitlines()):
            problems = {"object": "list", "data": [{"code": "too_many_lines", "message": "Many."}]}
        if problems:
            batch["status"], batch["errors"] = "failed", problems
        elif self.at_once:
            self.run(batch_id)
        return await self._answer("create", batch)

    async def _list_batches(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return _page(request, list(self.batches.values())[::-1])

    async def _show(self, request: web.Request) -> web.Response:
        self._authorize(request)
        if self.away:
            return _refused(503, "Overloaded.")
        found = self.batches.get(request.match_info["id"])
        return _missing("Batch") if found is None else await self._answer("show", found)

    async def _cancel(self, request: web.Request) -> web.Response:
        self._authorize(request)
        batch = self.batches[request.match_info["id"]]
        if batch["status"] in ENDED:
            return _refused(409, f"Cannot cancel a batch with status '{batch['status']}'.")
        batch["status"] = "cancelling"
        return await self._answer("cancel", batch)


def _problems(content: bytes, endpoint: str) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = []
    names: set[str] = set()
    models: set[str] = set()
    for number, text in enumerate(content.splitlines(), 1):
        line = json.loads(text)
        assert line.keys() == {"custom_id", "method", "url", "body"}
        if line["custom_id"] in names:
            found.append(_problem("duplicate_custom_id", "The custom_id is a duplicate.", number))
        names.add(line["custom_id"])
        if line["url"] != endpoint or line["method"] != "POST":
            found.append(_problem("mismatched_url", "The URL isn't the batch's.", number))
        models.add(line["body"]["model"])
        if len(models) > 1:
            found.append(_problem("mismatched_model", "More than one model.", number))
    return {"object": "list", "data": found} if found else None


def _problem(code: str, message: str, line: int) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": None}


def _outcome(line: dict[str, Any], *, failed: bool) -> dict[str, Any]:
    model = line["body"]["model"]
    body: dict[str, Any] = {
        "id": f"chatcmpl-{line['custom_id']}", "object": "chat.completion", "created": NOW_S,
        "model": f"{model}-2026-01-01", "usage": USAGE,
        "choices": [
            {"index": 0, "finish_reason": "stop", "logprobs": None,
             "message": {"role": "assistant", "content": _said(line), "refusal": None}}
        ],
    }  # fmt: skip
    if failed:
        error = {"message": "That can't be.", "type": "invalid_request_error",
                 "param": "messages", "code": "bad_line"}  # fmt: skip
        body = {"error": error}
    answered = {"status_code": 400 if failed else 200, "request_id": "req_1", "body": body}
    return {"id": f"batch_req_{line['custom_id']}", "custom_id": line["custom_id"],
            "response": answered, "error": None}  # fmt: skip


def _said(line: dict[str, Any]) -> str:
    return f"re: {line['body']['messages'][-1]['content']}"


def _unexecuted(line: dict[str, Any], status: str) -> dict[str, Any]:
    error = {"code": f"batch_{status}", "message": "This request could not be executed."}
    return {"id": f"batch_req_{line['custom_id']}", "custom_id": line["custom_id"],
            "response": None, "error": error}  # fmt: skip


def _page(request: web.Request, found: list[dict[str, Any]]) -> web.Response:
    after, limit = request.query.get("after"), int(request.query.get("limit", "20"))
    if after:
        found = found[[one["id"] for one in found].index(after) + 1 :]
    page = found[:limit]
    return web.json_response(
        {"object": "list", "data": page, "has_more": len(found) > limit,
         "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    )  # fmt: skip


def _missing(what: str) -> web.Response:
    return _refused(404, f"No such {what} object.")


def _refused(status: int, message: str, param: str | None = None) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return web.json_response({"error": error}, status=status)
