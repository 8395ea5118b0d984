"""How the batch process acts for a key without its secret.

A credential that only processes of this start can make: a subkey of the vault that is derived anew
for each boot, with the key's id and tags for the ledger. What the key may do is looked up at each
call, so one that was revoked meanwhile is refused.
"""

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

_PREFIX = "legato-acting"
_decode = msgspec.json.Decoder(dict[str, str]).decode


class Acting:
    """Makes and reads those credentials."""

    def __init__(self, subkey: bytes) -> None:
        self._subkey = subkey

    def credential(self, key_id: str, tags: Mapping[str, str] | None = None) -> str:
        """Return what to send for a key; what is recorded has these tags beside the key's own."""
        written = msgspec.json.encode(tags or {}, order="sorted").hex()
        return f"{_PREFIX}.{key_id}.{written}.{self._mark(key_id, written)}"

    def acting_for(self, secret: bytes) -> tuple[str, dict[str, str]] | None:
        """Return for which key a credential acts, and its tags; None where it is none of ours."""
        parts = secret.decode("latin-1").split(".")
        if len(parts) != 4 or parts[0] != _PREFIX:  # noqa: PLR2004 - the four above
            return None
        _, key_id, written, mark = parts
        if not hmac.compare_digest(mark.encode(), self._mark(key_id, written).encode()):
            return None
        return key_id, _decode(bytes.fromhex(written))

    def _mark(self, key_id: str, written: str) -> str:
        message = f"{key_id}.{written}".encode()
        return hmac.new(self._subkey, message, hashlib.sha256).hexdigest()
