"""A server of Gemini's dialect: AI Studio's paths, Vertex AI's, and Google's token endpoint.

Documents: "Gemini API reference, v1beta" (ai.google.dev/api), "Vertex AI REST reference, v1"
(cloud.google.com/vertex-ai/docs/reference/rest), "Using OAuth 2.0 for server to server
applications" (developers.google.com/identity/protocols/oauth2/service-account), "API errors"
(google.aip.dev/193), read 2026-11-21. Made by hand from the documented shapes; no recording.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from typing import Any, Self

import jwt
import vertex_claude
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gemini_answers import chunks, question, whole
from gemini_requests import Refused, camel, check_chat, known, require

KEY = "AIza-the-provider-key-of-these-tests"
PROJECT, LOCATION = "a-project", "europe-west4"
VERTEX = f"projects/{PROJECT}/locations/{LOCATION}"
ACCOUNT = "gateway@a-project.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MODEL = r"(?P<model>[A-Za-z0-9._-]+):(?P<verb>[A-Za-z]+)"
STUDIO_PATH = re.compile(rf"/v1(?:beta)?/models/{MODEL}")
VERTEX_PATH = re.compile(rf"/v1(?:beta1)?/{VERTEX}/publishers/google/models/{MODEL}")
CLAUDE_PATH = re.compile(
    rf"/v1/{VERTEX}/publishers/anthropic/models/"
    r"(?P<model>[A-Za-z0-9@._-]+):(?P<verb>rawPredict|streamRawPredict)"
)
START_S = 10.0


class GeminiServer:
    """Serves on a free port of 127.0.0.1 in a thread of its own; a context manager."""

    def __init__(self, *, token_lifetime_s: int = 3600) -> None:
        self.token_lifetime_s = token_lifetime_s
        self.bodies: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.token_fails = False
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(START_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(START_S)
        assert not self._thread.is_alive()

    @property
    def account(self) -> str:
        """The JSON key of a service account that this server knows."""
        pem = self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "k1",
                "private_key": pem.decode(),
                "client_email": ACCOUNT,
                "client_id": "1",
                "token_uri": f"{self.url}/token",
            }
        )

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_post("/token", self._token)
        app.router.add_post("/{path:.*}", self._call)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._stopped.wait()
        await runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        """Exchange an assertion as the document says; anything amiss is `invalid_grant`."""
        form = await request.post()
        if self.token_fails:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if form.get("grant_type") != GRANT:
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        try:
            claims = jwt.decode(
                str(form["assertion"]),
                self._private.public_key(),
                algorithms=["RS256"],
                audience="https://oauth2.googleapis.com/token",
                options={"require": ["iss", "scope", "aud", "exp", "iat"]},
            )
        except jwt.InvalidTokenError as problem:
            return web.json_response(
                {"error": "invalid_grant", "error_description": str(problem)}, status=400
            )
        is_fit = claims["iss"] == ACCOUNT and SCOPE in claims["scope"].split()
        if not is_fit or claims["exp"] - claims["iat"] > 3600:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = f"ya29.token-{len(self.tokens)}-{time.time_ns()}"
        self.tokens.append(token)
        lifetime = {"expires_in": self.token_lifetime_s, "token_type": "Bearer"}
        return web.json_response({"access_token": token, **lifetime})

    async def _call(self, request: web.Request) -> web.StreamResponse:
        claude = CLAUDE_PATH.fullmatch(request.path)
        if claude is not None:
            return await self._call_claude(request, claude)
        studio = STUDIO_PATH.fullmatch(request.path)
        found = studio or VERTEX_PATH.fullmatch(request.path)
        if found is None:
            return refused(404, "NOT_FOUND", f"no method at {request.path}")
        denied = self._denied(request, vertex=studio is None)
        if denied is not None:
            return denied
        if found["model"].startswith("missing") or "no-such" in found["model"]:
            return refused(404, "NOT_FOUND", f"models/{found['model']} is not found")
        body = await request.json()
        if verb_is_chat(found["verb"]):
            body = camel(body)
        self.bodies.append(body)
        try:
            return await self._answer(request, found, body, vertex=studio is None)
        except Refused as problem:
            return refused(400, "INVALID_ARGUMENT", str(problem))

    async def _call_claude(self, request: web.Request, path: re.Match[str]) -> web.StreamResponse:
        denied = self._denied(request, vertex=True)
        if denied is not None:
            return denied
        body = await request.json()
        self.bodies.append(body)
        failure = told_to_fail(vertex_claude.said_in(body))
        return failure or await vertex_claude.answer(request, path, body)

    def _denied(self, request: web.Request, *, vertex: bool) -> web.Response | None:
        if not vertex:
            if request.headers.get("x-goog-api-key") == KEY:
                return None
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID", "domain": "googleapis.com"}  # fmt: skip
            text = "API key not valid. Please pass a valid API key."
            return refused(400, "INVALID_ARGUMENT", text, info)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and token in self.tokens[-2:]:
            return None
        return refused(401, "UNAUTHENTICATED", f"Request had invalid credentials: {token}")

    async def _answer(
        self, request: web.Request, path: re.Match[str], body: dict[str, Any], *, vertex: bool
    ) -> web.StreamResponse:
        model, verb = path["model"], path["verb"]
        if verb == "countTokens":
            return web.json_response(count(body, model, vertex=vertex))
        if verb == "batchEmbedContents" and not vertex:
            return web.json_response(embedded(body, model))
        if verb == "predict" and vertex:
            return web.json_response(predicted(body))
        require(verb in {"generateContent", "streamGenerateContent"}, f"no method {verb}")
        check_chat(body, model, vertex=vertex)
        failure = told_to_fail(question(body))
        if failure is not None:
            return failure
        if verb == "generateContent":
            return web.json_response(whole(body, model))
        require(request.query.get("alt") == "sse", "this server streams as SSE only")
        return await stream(request, chunks(body, model), question(body))


def verb_is_chat(verb: str) -> bool:
    return verb in {"generateContent", "streamGenerateContent", "countTokens"}


async def stream(
    request: web.Request, events: list[dict[str, Any]], asked: str
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    if "break" in asked or "cut" in asked:
        events = events[:2]
    if "hang up" in asked:
        await response.write(b"data: {")
        assert request.transport is not None
        request.transport.abort()
        return response
    for event in events:
        data = json.dumps(event, ensure_ascii=False).encode()
        await response.write(b"data: " + data[:40])
        await response.write(data[40:] + b"\r\n\r\n")
    if "break" in asked:
        error = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
        await response.write(b"data: " + json.dumps({"error": error}).encode() + b"\r\n\r\n")
    await response.write_eof()
    return response


def told_to_fail(asked: str) -> web.Response | None:
    if "exhausted" in asked:
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
        return refused(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", info)
    if "overloaded" in asked:
        return refused(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
    if "denied" in asked:
        return refused(403, "PERMISSION_DENIED", "The caller does not have permission.")
    if "reject" in asked:
        return refused(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
    if "unpaid" in asked:
        return refused(400, "FAILED_PRECONDITION", "User location is not supported.")
    return None


def count(body: dict[str, Any], model: str, *, vertex: bool) -> dict[str, Any]:
    if vertex:
        known(body, {"contents", "systemInstruction", "tools", "generationConfig"}, "")
        check_chat(body, model, vertex=True)
    elif "generateContentRequest" in body:
        known(body, {"generateContentRequest"}, "")
        inner = dict(body["generateContentRequest"])
        require(inner.pop("model", None) == f"models/{model}", "model must be the path's")
        check_chat(inner, model, vertex=False)
    else:
        known(body, {"contents"}, "")
        check_chat(body, model, vertex=False)
    return {"totalTokens": 31, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 31}]}


def embedded(body: dict[str, Any], model: str) -> dict[str, Any]:
    known(body, {"requests"}, "")
    vectors = []
    for one in body["requests"]:
        known(one, {"model", "content", "taskType", "title", "outputDimensionality"}, "requests")
        require(one["model"] == f"models/{model}", "model must be the path's")
        text = one["content"]["parts"][0]["text"]
        vectors.append({"values": vector(text, one.get("outputDimensionality", 4))})
    return {"embeddings": vectors, "usageMetadata": {"promptTokenCount": 5 * len(vectors)}}


def predicted(body: dict[str, Any]) -> dict[str, Any]:
    known(body, {"instances", "parameters"}, "")
    parameters = body.get("parameters", {})
    known(parameters, {"autoTruncate", "outputDimensionality"}, "parameters")
    predictions = []
    for one in body["instances"]:
        known(one, {"content", "task_type", "title"}, "instances")
        values = vector(one["content"], parameters.get("outputDimensionality", 4))
        statistics = {"truncated": False, "token_count": 5}
        predictions.append({"embeddings": {"values": values, "statistics": statistics}})
    return {"predictions": predictions}


def vector(text: str, dimensions: int) -> list[float]:
    return [len(text) + place / 8 for place in range(dimensions)]


def refused(code: int, status: str, message: str, *details: dict[str, Any]) -> web.Response:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return web.json_response({"error": error}, status=code)
