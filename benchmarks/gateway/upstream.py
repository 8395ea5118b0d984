"""A lean upstream that counts what it is asked, in OpenAI's dialect or, at /messages, Anthropic's.

As cheap as asyncio allows, so that a gateway's core and not this one is the limit. Answers are
ready bytes: 1 KB for a plain request, `EVENTS` paced tokens for a stream. `GET /count` tells how
many calls came. Run as a process: `python -m benchmarks.gateway.upstream [CERTIFICATE]` prints
its port, and the port of its TLS twin.
"""

import asyncio
import json
import re
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httptools
import uvloop

ANSWER_BYTES = 1024
EVENTS = 64
EVENT_INTERVAL_S = 0.005
WORD = "word "

_STREAM = re.compile(rb'"stream"\s*:\s*true')
_USAGE_WANTED = re.compile(rb'"include_usage"\s*:\s*true')
_USAGE = {"prompt_tokens": 400, "completion_tokens": EVENTS, "total_tokens": 400 + EVENTS}
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _response(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def _answer() -> bytes:
    def body(content: str) -> bytes:
        message = {"role": "assistant", "content": content, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return json.dumps(
            {
                "id": "chatcmpl-bench",
                "object": "chat.completion",
                "created": 1700000000,
                "model": "mock",
                "choices": [choice],
                "usage": _USAGE,
            }
        ).encode()

    room = ANSWER_BYTES - len(body(""))
    return _response(body((WORD * room)[:room]))


def _chunk(text: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(text), text)


def _encoded(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    event = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "mock",
        "choices": choices,
        **more,
    }
    return _chunk(b"data: %b\n\n" % _encoded(event))


def _delta(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    return _event([{"index": 0, "delta": delta, "finish_reason": finish_reason}])


def _named(kind: str, **more: Any) -> bytes:
    return _chunk(b"event: %b\ndata: %b\n\n" % (kind.encode(), _encoded({"type": kind, **more})))


def _message(content: list[dict[str, str]], stop_reason: str | None) -> dict[str, Any]:
    return {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "mock",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 400, "output_tokens": EVENTS},
    }


@dataclass(frozen=True)
class Dialect:
    """Ready bytes: a whole answer, and the parts of a stream."""

    answer: bytes
    first: bytes
    token: bytes
    last: bytes
    usage: bytes = b""
    """Sent before the end only where the caller asks for it."""
    end: bytes = b"0\r\n\r\n"


_OPENAI = Dialect(
    answer=_answer(),
    first=_STREAM_HEAD + _delta({"role": "assistant", "content": ""}),
    token=_delta({"content": WORD}),
    last=_delta({}, "stop"),
    usage=_event([], usage=_USAGE),
    end=_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n",
)
_ANTHROPIC = Dialect(
    answer=_response(_encoded(_message([{"type": "text", "text": WORD * 140}], "end_turn"))),
    first=_STREAM_HEAD
    + _named("message_start", message=_message([], None))
    + _named("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    token=_named("content_block_delta", index=0, delta={"type": "text_delta", "text": WORD}),
    last=_named("content_block_stop", index=0)
    + _named(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage={"output_tokens": EVENTS},
    )
    + _named("message_stop"),
)


class Book:
    """The calls received so far by all connections, on the plain port and on the TLS one."""

    def __init__(self) -> None:
        self.calls = {"plain": 0, "tls": 0}


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self, book: Book, port: str) -> None:
        self._book, self._port = book, port
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._body = b""

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._url == b"/count":
            self._transport.write(_response(json.dumps(self._book.calls).encode()))
            return
        self._book.calls[self._port] += 1
        dialect = _ANTHROPIC if self._url.endswith(b"/messages") else _OPENAI
        if _STREAM.search(self._body) is None:
            self._transport.write(dialect.answer)
            return
        usage = dialect.usage if _USAGE_WANTED.search(self._body) else b""
        tail = dialect.last + usage + dialect.end
        self._transport.write(dialect.first)
        due_s = self._loop.time() + EVENT_INTERVAL_S
        self._loop.call_at(due_s, self._tick, EVENTS, due_s, dialect.token, tail)

    def _tick(self, left: int, due_s: float, token: bytes, tail: bytes) -> None:
        if self._transport.is_closing():
            return
        if not left:
            self._transport.write(tail)
            return
        self._transport.write(token)
        due_s += EVENT_INTERVAL_S
        self._loop.call_at(due_s, self._tick, left - 1, due_s, token, tail)


async def serve(certificate: Path | None) -> None:
    loop, book = asyncio.get_running_loop(), Book()
    contexts: dict[str, ssl.SSLContext | None] = {"plain": None}
    if certificate is not None:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(certificate)
        contexts["tls"] = secure
    ports = []
    for name, context in contexts.items():
        server = await loop.create_server(
            lambda name=name: Upstream(book, name), "127.0.0.1", 0, backlog=4096, ssl=context
        )
        ports.append(server.sockets[0].getsockname()[1])
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
