"""What can be read off a request's head."""

from collections.abc import Mapping

from legato.api.http1.limits import ConnectionLimits

_BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b'content-length: %d\r\n\r\n{"error":{"message":"%s","type":"invalid_request_error",'
    b'"param":null,"code":"invalid_request"}}'
)
_BAD_REQUEST_BYTES = 93
_FRAMING = (b"content-length", b"transfer-encoding")


def framing_of(headers: Mapping[bytes, bytes]) -> bytes:
    """Return the header lines that say how long a request's body is; none: it has no body."""
    return b"".join(b"%b: %b\r\n" % (name, headers[name]) for name in _FRAMING if name in headers)


def path_of(target: bytes) -> bytes:
    """Return the path of an absolute target, which every server must take (RFC 9112, 3.2.2).

    What is no such target is returned as it is.
    """
    scheme, mark, rest = target.partition(b"://")
    if not mark or scheme.lower() not in {b"http", b"https"}:
        return target
    _, slash, path = rest.partition(b"/")
    return b"/" + path if slash else b"/"


class Refused(Exception):
    """A request head over one of our limits."""


def head_too_large(limits: ConnectionLimits) -> Refused:
    """Return the error for a head that is too long."""
    return Refused(f"The head is over {limits.head_bytes_max} bytes.")


def refusal(said: str) -> bytes:
    """Return the answer to what is no request; `said` is plain words of our own."""
    body = said.encode()
    return _BAD_REQUEST % (len(body) + _BAD_REQUEST_BYTES, body)


def joined(name: bytes, before: bytes, value: bytes) -> bytes:
    """Return what a header is that comes again. Raises Refused for `host`."""
    if name == b"host":
        raise Refused("There is more than one Host header.")
    if name == b"x-forwarded-for":  # a proxy may add a line instead of a word
        return before + b"," + value
    return value
