"""A running instance with everything a case needs: its address, keys, and the model server."""

import http.client
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from legato.api.endpoints import Endpoint
from legato.cli.security_check.configuration import Caller, Issuer, Keys
from legato.cli.security_check.identity_server import IdentityServer
from legato.cli.security_check.model_server import ModelServer
from legato.core.config import Config
from legato.providers import sse

CHAT: Final = "/v1/chat/completions"
PATHS: Final = {"chat": CHAT, "messages": "/v1/messages", "responses": "/v1/responses"}
OK: Final = 200
_BAD_REQUEST: Final = 400
_ASK_S: Final = 60.0
_READ_S: Final = 60.0


class Answer(msgspec.Struct, frozen=True):
    """A whole HTTP answer. Status 0: the connection was closed without one."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The status with the error's code, where it has one."""
        try:
            code = self.json["error"].get("code") or ""
        except (ValueError, KeyError, TypeError, AttributeError):
            code = ""
        return f"{self.status} {code}".rstrip()

    @property
    def blocked(self) -> bool:
        """Whether a rule refused the request; Anthropic's dialect has no codes."""
        return self.status == _BAD_REQUEST and (
            self.code.endswith("input_blocked") or b" is not allowed here (" in self.body
        )


class Bench(msgspec.Struct, eq=False):
    """What cases are run on."""

    config: Config
    caller: Caller
    keys: Keys
    route: str
    url: str
    models: ModelServer
    identity: IdentityServer
    issuer: Issuer
    provider: str
    """The identity provider by which people sign in."""
    endpoints: Sequence[Endpoint]
    folder: Path
    """With the data directory and the log."""
    pid: int = 0
    """Of the program's first process."""

    def connection(self) -> http.client.HTTPConnection:
        """Return a new connection, to be closed."""
        where = urlsplit(self.url)
        return http.client.HTTPConnection(where.hostname or "", where.port, timeout=_ASK_S)

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send exactly this, over a connection of its own."""
        with closing(self.connection()) as connection:
            try:
                connection.request(method, path, body, dict(headers or {}))
                response = connection.getresponse()
                named: dict[str, str] = {}
                for name, value in response.getheaders():  # cookies come one a line
                    before = named.get(name.lower())
                    named[name.lower()] = value if before is None else f"{before}\n{value}"
                return Answer(response.status, named, response.read())
            except (OSError, http.client.HTTPException):
                return Answer(0)

    def control_document(self) -> dict[str, Any] | None:
        """Return the control API's own document, None where it can't be read."""
        answer = self.send("GET", "/api/openapi.json", None, bearer(self.keys.admin))
        return answer.json if answer.status == OK else None

    def post(
        self, path: str, body: Any, key: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Post a body: bytes as they are, anything else as JSON; by the caller unless named."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        fixed = {"content-type": "application/json"} | bearer(key or self.keys.caller)
        return self.send("POST", path, sent, fixed | dict(headers or {}))

    def ask(self, surface: str, text: str, *, stream: bool = False, key: str = "") -> Answer:
        """Ask the route by one of the three surfaces of chats."""
        return self.post(PATHS[surface], asking(surface, self.route, text, stream=stream), key)

    def json_surfaces(self) -> list[str]:
        """Return the paths of surfaces that take JSON."""
        forms = ("/edits", "/transcriptions", "/translations")
        return [one.path for one in self.endpoints if one.surface and not one.path.endswith(forms)]


def bearer(key: str) -> dict[str, str]:
    """Return the header that carries a key."""
    return {"authorization": f"Bearer {key}"}


def asking(surface: str, model: str, text: str, *, stream: bool) -> dict[str, Any]:
    """Return a request with one turn and one tool."""
    body: dict[str, Any] = {"model": model, "stream": stream}
    if surface == "responses":
        tool = {"type": "function", "name": "send", "parameters": {"type": "object"}}
        return body | {"input": text, "tools": [tool], "store": False}
    body["messages"] = [{"role": "user", "content": text}]
    if surface == "messages":
        tool = {"name": "send", "input_schema": {"type": "object"}}
        return body | {"max_tokens": 99, "tools": [tool]}
    return body | {"tools": [{"type": "function", "function": {"name": "send", "parameters": {}}}]}


def said(surface: str, answer: Answer, *, stream: bool) -> tuple[str, str]:
    """Return the text of an answer, and its tool's arguments."""
    if stream:
        return _streamed(surface, answer.body)
    body = answer.json
    if surface == "chat":
        message = body["choices"][0]["message"]
        calls = message.get("tool_calls") or [{"function": {"arguments": ""}}]
        return message.get("content") or "", calls[0]["function"]["arguments"]
    if surface == "messages":
        block = body["content"][0]
        return block.get("text", ""), json.dumps(block["input"]) if "input" in block else ""
    item = body["output"][0]
    return "".join(part["text"] for part in item.get("content", ())), item.get("arguments", "")


def _streamed(surface: str, frames: bytes) -> tuple[str, str]:
    text = arguments = ""
    for event in sse.split(frames):
        payload = sse.data(event)
        if not payload or payload == b"[DONE]":
            continue
        told = json.loads(payload)
        if surface == "chat":
            for choice in told.get("choices", ())[:1]:
                text += choice["delta"].get("content") or ""
                for call in choice["delta"].get("tool_calls") or ():
                    arguments += call["function"].get("arguments") or ""
        elif surface == "messages":
            delta = told.get("delta", {}) if told["type"] == "content_block_delta" else {}
            text += delta.get("text", "")
            arguments += delta.get("partial_json", "")
        elif told["type"].endswith("text.delta"):
            text += told["delta"]
        elif told["type"].endswith("arguments.delta"):
            arguments += told["delta"]
    return text, arguments
