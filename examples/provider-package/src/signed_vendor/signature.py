"""The vendor's signature: HMAC-SHA256 over time, path and body, so the key is never sent."""

import hashlib
import hmac
from collections.abc import Callable


class Signer:
    """Signs requests with one key. `path` is all of the URL's path."""

    def __init__(self, key_id: str, secret: str, now_ns: Callable[[], int]) -> None:
        self._key_id = key_id
        self._secret = secret.encode()
        self._now_ns = now_ns

    def header(self, path: bytes, body: bytes) -> bytes:
        """Return the header line, CRLF included."""
        time_s = self._now_ns() // 1_000_000_000
        signed = b"%d\n%s\n%s" % (time_s, path, body)
        signature = hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        line = f"x-signature: key={self._key_id}, time={time_s}, sha256={signature}\r\n"
        return line.encode("ascii")
