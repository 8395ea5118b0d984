"""HTTP response heads and the chunked form of a stream."""

from http import HTTPStatus
from typing import NamedTuple

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
HTML = b"text/html; charset=utf-8"
JSON_LINES = b"application/x-ndjson"

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_MARK = b"x-legato-simulated: true\r\nserver: legato-simulated\r\n"

Headers = tuple[tuple[bytes, bytes], ...]


class Response(NamedTuple):
    """A whole response."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Headers = ()


def head(status: int, content_type: bytes, headers: Headers, length: int | None) -> bytes:
    """A response head up to its empty line; without a length the body comes in chunks."""
    line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d Simulated\r\n" % status
    framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    extra = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"%bcontent-type: %b\r\n%b%b%b\r\n\r\n" % (line, content_type, _MARK, extra, framing)


def rendered(response: Response) -> bytes:
    """The whole response's bytes."""
    body = response.body
    return head(response.status, response.content_type, response.headers, len(body)) + body


def chunk(data: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)
