"""The least a Python gateway can do: parse, swap the model, pass on, read the usage. Raw ASGI."""

import os
from pathlib import Path
from typing import Any

import msgspec
from pyreqwest.client import Client, ClientBuilder

_JSON_HEADERS = [(b"content-type", b"application/json")]
_SSE_HEADERS = [(b"content-type", b"text/event-stream")]
_URL = os.environ["BENCH_UPSTREAM"] + "/chat/completions"
_CA_FILE = os.environ.get("BENCH_CA_FILE")


class _Message(msgspec.Struct):
    role: str
    content: str


class _Request(msgspec.Struct, omit_defaults=True):
    model: str
    messages: list[_Message]
    stream: bool = False
    temperature: float | None = None
    max_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class _Answer(msgspec.Struct):
    usage: _Usage


class PassThrough:
    """The application; its client is opened in the event loop that serves."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._read_request = msgspec.json.Decoder(_Request).decode
        self._read_answer = msgspec.json.Decoder(_Answer).decode
        self._write = msgspec.json.Encoder().encode

    async def __call__(self, _scope: dict[str, Any], receive: Any, send: Any) -> None:
        if self._client is None:
            self._client = _open_client()
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        request = self._read_request(body)
        request.model = "mock"
        post = self._client.post(_URL).body_bytes(self._write(request))
        await (self._stream(post, send) if request.stream else self._plain(post, send))

    async def _plain(self, post: Any, send: Any) -> None:
        response = await post.build().send()
        body = bytes(await response.bytes())
        self._read_answer(body)
        headers = [*_JSON_HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, post: Any, send: Any) -> None:
        async with post.streamed_read_buffer_limit(0).build_streamed() as response:
            await send(
                {"type": "http.response.start", "status": response.status, "headers": _SSE_HEADERS}
            )
            while (piece := await response.body_reader.read_chunk()) is not None:
                await send({"type": "http.response.body", "body": bytes(piece), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _open_client() -> Client:
    builder = ClientBuilder().default_headers({"content-type": "application/json"}).no_proxy()
    if _CA_FILE is not None:
        builder = builder.add_root_certificate_pem(Path(_CA_FILE).read_bytes())
    return builder.build()


app = PassThrough()
