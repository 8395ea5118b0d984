"""What is in base64: text that can be looked into after all, or a file that can't."""

import binascii
from base64 import b64decode
from functools import cache
from typing import Any, Final

_HEAD_CHARS: Final = 256
_BYTES_OF_UTF8_MAX: Final = 3
_PRINTABLE_SHARE: Final = 0.95
_MEDIA: Final = ("data:image/", "data:audio/", "data:video/")
_MAGIC: Final = (
    *("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "Qk0", "SUkqA", "TU0AK", "AAABAA"),  # pictures
    *("SUQz", "//uQ", "//sw", "//vQ", "T2dnUw", "ZkxhQ", "GkXfo", "AAAAGGZ0eXA", "AAAAIGZ0eXA"),
    *("AAAAHGZ0eXA", "JVBERi0", "UEsDB", "H4sI", "0M8R4KGx"),  # PDF, zip and Office
)
"""What files begin with, as base64 has it."""
_NO_URL: Final = str.maketrans("-_", "+/", "\r\n ")


def decoded_text(text: str, start: int) -> str:
    """Return the text that base64 from a place on stands for; "" where it isn't text."""
    encoded = text[start:]
    head = _decoded(encoded[: _HEAD_CHARS + _HEAD_CHARS // 2])
    if not _is_text(head[: _HEAD_CHARS // 2], cut=len(encoded) > _HEAD_CHARS):
        return ""
    try:
        return _decoded(encoded).decode()
    except UnicodeDecodeError:
        return ""


def is_media(text: str, start: int) -> bool:
    """Whether base64 from a place on is a picture, sound, or a file of a known kind."""
    return text.startswith(_MEDIA) or text.startswith(_MAGIC, start)


def readable(text: str, start: int) -> str:
    """Return what could be read of a file of no known kind: rows of characters, one a line."""
    found = (one[0].replace(b"\x00", b"") for one in _runs().finditer(_decoded(text[start:])))
    return b"\n".join(found).decode(errors="replace")


@cache
def _runs() -> Any:
    """Return what finds rows of characters in UTF-16 or UTF-8; noise has 200 a megabyte."""
    import re2  # noqa: PLC0415 - where files are sent under a policy only

    return re2.compile(
        rb"(?:[\x20-\x7e]\x00){8,}|(?:\x00[\x20-\x7e]){8,}"
        rb"|(?:[\x20-\x7e\t]|[\xc3-\xf4][\x80-\xbf]{1,3}){8,}"
    )


def _decoded(encoded: str) -> bytes:
    plain = encoded.translate(_NO_URL).rstrip("=")
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    try:
        return b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _is_text(data: bytes, *, cut: bool) -> bool:
    for less in range(1 + _BYTES_OF_UTF8_MAX * cut):
        try:
            text = data[: len(data) - less].decode()
        except UnicodeDecodeError:
            continue
        seen = sum(one.isprintable() or one in "\t\r\n" for one in text)
        return bool(text) and seen >= _PRINTABLE_SHARE * len(text)
    return False
