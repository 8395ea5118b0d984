"""Content codings of answers. We ask for `identity`; some servers compress all the same."""

import zlib

from legato.providers.transport.base import BadResponse, ResponseTooLarge

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_GZIP_MEMBERS_MAX = 64  # each member copies the rest: keep many tiny ones from going quadratic
_ZLIB_HEADER_DEFLATE = 0x08


def content_coding(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """Return the coding of the body (`b"gzip"`, `b"deflate"`), or `None` for a plain one.

    Raises `BadResponse` for any other coding, and for one applied as a transfer coding.
    """
    coding = None
    for name, value in headers:
        if name == b"content-encoding":
            applied = value.strip().lower()
            if applied in (b"", b"identity"):
                continue
            if coding is not None or applied not in (b"gzip", b"x-gzip", b"deflate"):
                raise BadResponse("the answer uses a content coding that was not asked for")
            coding = applied
        elif name == b"transfer-encoding" and value.strip().lower() not in (
            b"chunked",
            b"identity",
        ):
            raise BadResponse("the answer uses a transfer coding that was not asked for")
    return coding


def decode_body(coding: bytes, body: bytes, body_bytes_max: int) -> bytes:
    """Undo gzip or deflate, holding at most `body_bytes_max` decoded bytes.

    Raises `ResponseTooLarge` for a body that would grow past that, `BadResponse` for a broken one.
    """
    decoded = bytearray()
    for _ in range(_GZIP_MEMBERS_MAX):
        if not body:
            return bytes(decoded)
        decoder = zlib.decompressobj(_window_bits(coding, body))
        try:
            decoded += decoder.decompress(body, body_bytes_max - len(decoded) + 1)
        except zlib.error as error:
            raise BadResponse("the answer's compressed body is broken") from error
        if len(decoded) > body_bytes_max:
            raise ResponseTooLarge(f"decoded body over {body_bytes_max} bytes")
        if not decoder.eof:
            raise BadResponse("the answer's compressed body is cut short")
        body = decoder.unused_data
    raise BadResponse("the answer's compressed body has too many members")


def _window_bits(coding: bytes, body: bytes) -> int:
    if coding != b"deflate":
        return _GZIP_WINDOW
    # RFC 9110 means zlib by "deflate"; several servers send the raw stream instead.
    return zlib.MAX_WBITS if body[0] & 0x0F == _ZLIB_HEADER_DEFLATE else -zlib.MAX_WBITS
