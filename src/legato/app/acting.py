"""How the batch process acts for a key without its secret.

A credential that only processes of this start can make: a subkey of the vault that is derived anew
for each boot, with the key's id. What the key may do is looked up at each call, so one that was
revoked meanwhile is refused.
"""

import hashlib
import hmac

_PREFIX = "legato-acting"


class Acting:
    """Makes and reads those credentials."""

    def __init__(self, subkey: bytes) -> None:
        self._subkey = subkey

    def credential(self, key_id: str) -> str:
        """Return what to send for a key."""
        return f"{_PREFIX}.{key_id}.{self._mark(key_id)}"

    def key_id(self, secret: bytes) -> str | None:
        """Return for which key a credential acts; None where it is none of ours."""
        parts = secret.decode("latin-1").split(".")
        if len(parts) != 3 or parts[0] != _PREFIX:  # noqa: PLR2004 - the three above
            return None
        return (
            parts[1]
            if hmac.compare_digest(parts[2].encode(), self._mark(parts[1]).encode())
            else None
        )

    def _mark(self, key_id: str) -> str:
        return hmac.new(self._subkey, key_id.encode(), hashlib.sha256).hexdigest()
