"""Opaque cursors: where a list goes on. Signed, so that nobody builds on what is inside."""

import base64
import binascii
import hashlib
import hmac

from legato.core.errors import InvalidRequest

_MAC_BYTES = 12
CURSOR_CHARS_MAX = 512


class Cursors:
    """Makes and reads them; a cursor of one list is none of another."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, of: str, after: str) -> str:
        """Return the cursor behind an element of a list."""
        text = after.encode()
        return base64.urlsafe_b64encode(self._mac(of, text) + text).decode().rstrip("=")

    def read(self, of: str, cursor: str) -> str:
        """Return the element it stands behind. Raises InvalidRequest."""
        raw = _decoded(cursor)
        mac, text = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(of, text)):
            msg = "This is no cursor of this list: take next_cursor as it came, or begin anew."
            raise InvalidRequest(msg, param="cursor")
        return text.decode()

    def _mac(self, of: str, text: bytes) -> bytes:
        message = of.encode() + b"\x00" + text
        return hashlib.blake2b(message, digest_size=_MAC_BYTES, key=self._key).digest()


def _decoded(cursor: str) -> bytes:
    """Return the bytes in a cursor, none where it isn't base64: no signature fits them."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
