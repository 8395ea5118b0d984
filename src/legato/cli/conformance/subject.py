"""The server under test, asked over plain HTTP: no vendor's client forgives anything here."""

import json
import secrets
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from legato.cli.conformance.events import Event, read_events
from legato.cli.conformance.findings import Skipped, Unfulfilled, need
from legato.core.errors import ConfigInvalid, OperatorError

CHAT: Final = "/v1/chat/completions"
OUTPUT_TOKENS: Final = 64
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
_OK: Final = 200
_NOT_THERE: Final = (404, 405, 501)
_SHOWN: Final = 200


class Answer(msgspec.Struct, frozen=True):
    """A whole HTTP answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded. Raises Unfulfilled."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Unfulfilled(f"{self.status} with a body that is not JSON: {self.shown}") from None

    @property
    def shown(self) -> str:
        """The beginning of the body, for a reason."""
        return repr(self.body[:_SHOWN].decode(errors="replace"))

    @property
    def events(self) -> list[Event]:
        """The body's events. Raises Unfulfilled."""
        return read_events(self.body)


class Subject:
    """A server, a key, the models to ask. Every question differs, so that no cache answers."""

    def __init__(
        self,
        url: str,
        key: str,
        model: str,
        *,
        embedding_model: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigInvalid(f"--url {url!r} is not an http or https address")
        self.model = model
        self.bound_field = "max_tokens"
        self._key = key
        self._embedding_model = embedding_model
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/").removesuffix("/v1")
        self._timeout_s = timeout_s
        self._run = secrets.token_hex(4)
        self._asked = 0

    # ------------------------------------------------------------------- questions

    @property
    def embedding_model(self) -> str:
        """Raises Skipped where none was named."""
        if self._embedding_model is None:
            raise Skipped("no --embedding-model was given")
        return self._embedding_model

    def question(self, text: str = "Tell me something about rivers.") -> str:
        """Return the text as it has not been asked before."""
        self._asked += 1
        return f"{text} ({self._run}-{self._asked})"

    def chat_body(self, question: str | None = None, **fields: Any) -> dict[str, Any]:
        """Return the body of a chat completion."""
        messages = [{"role": "user", "content": question or self.question()}]
        bound = {self.bound_field: OUTPUT_TOKENS}
        return {"model": self.model, "messages": messages, **bound, **fields}

    def adapt(self) -> None:
        """Ask once, to learn by which name the model's answers are bounded.

        Raises:
            OperatorError: it can't be asked at all.
        """
        try:
            answer = self.post(CHAT, self.chat_body())
        except (OSError, HTTPException) as error:
            raise OperatorError(f"{self._host} can't be asked: {error!r}") from None
        if answer.status == _OK:
            return
        first, self.bound_field = answer, "max_completion_tokens"
        if self.post(CHAT, self.chat_body()).status != _OK:
            raise OperatorError(f"{CHAT} answers {first.status}: {first.shown}")

    # ----------------------------------------------------------------------- calls

    def chat(self, question: str | None = None, **fields: Any) -> Any:
        """Return a chat completion, decoded. Raises Unfulfilled, or Skipped for a refused field."""
        answer = self.post(CHAT, self.chat_body(question, **fields))
        _skip_refused(answer, fields)
        return good(answer)

    def chat_stream(self, question: str | None = None, **fields: Any) -> list[Event]:
        """Return the events of a streamed chat completion. Raises as `chat`."""
        answer = self.post(CHAT, self.chat_body(question, stream=True, **fields))
        _skip_refused(answer, fields)
        return streamed(answer)

    def offered(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Post to a path that a server need not have. Raises Skipped where it has none."""
        answer = self.post(path, body, headers)
        if answer.status in _NOT_THERE:
            raise Skipped(f"no {path} here ({answer.status})")
        return answer

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Post a body: bytes as they are, anything else as JSON."""
        return self.send("POST", path, body, self.headers() | dict(headers or {}))

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return self.send("GET", path, None, self.headers())

    def headers(self) -> dict[str, str]:
        """The headers of a call with the key."""
        return {"authorization": f"Bearer {self._key}", "content-type": "application/json"}

    def send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """Send exactly this, over a connection of its own. Raises OSError, HTTPException."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with closing(self.connection()) as connection:
            connection.request(method, self.path(path), sent, dict(headers))
            return whole(connection.getresponse())

    @contextmanager
    def line(
        self, path: str, head: Mapping[str, str]
    ) -> Iterator[tuple[socket.socket, HTTPConnection]]:
        """Open a POST by hand: its head is sent, its body is the caller's to send."""
        with closing(self.connection()) as connection:
            connection.putrequest("POST", self.path(path))
            for name, value in (self.headers() | dict(head)).items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield connection.sock, connection

    def path(self, path: str) -> str:
        """Return a path as it is at this server."""
        return f"{self._base}{path}"

    def connection(self) -> HTTPConnection:
        """Return a new connection, of the caller's to close."""
        if self._secure:
            context = ssl.create_default_context()
            return HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)
        return HTTPConnection(self._host, self._port, timeout=self._timeout_s)


def whole(response: HTTPResponse) -> Answer:
    """Read an answer to its end. Raises OSError, HTTPException; Unfulfilled where it has none."""
    body = response.read(ANSWER_BYTES_MAX)
    need(len(body) < ANSWER_BYTES_MAX, f"the answer is over {ANSWER_BYTES_MAX} bytes")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body)


def good(answer: Answer) -> Any:
    """Return a good JSON answer, decoded. Raises Unfulfilled."""
    need(answer.status == _OK, f"{answer.status}: {answer.shown}")
    kind = answer.headers.get("content-type", "")
    need(kind.startswith("application/json"), f"content-type is {kind!r}")
    return answer.json


def streamed(answer: Answer) -> list[Event]:
    """Return a good answer's events. Raises Unfulfilled."""
    need(answer.status == _OK, f"{answer.status}: {answer.shown}")
    kind = answer.headers.get("content-type", "")
    need(kind.startswith("text/event-stream"), f"content-type is {kind!r}")
    need(answer.events, "the stream is empty")
    return answer.events


def _skip_refused(answer: Answer, fields: Mapping[str, Any]) -> None:
    """Raises Skipped where a 400 or 422 names a field of the check: the model lacks the feature."""
    if answer.status not in {400, 422}:
        return
    error = answer.json.get("error") if isinstance(answer.json, dict) else None
    param = error.get("param") if isinstance(error, dict) else None
    named = str(param or "").partition(".")[0]
    if named in fields:
        raise Skipped(f"the server refuses {named}: {answer.shown}")
