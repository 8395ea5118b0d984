"""What derives from the instance's first data key: keyed hashes, pseudonyms, local sealing.

Each use has a subkey of its own (HKDF-SHA256, RFC 5869), so nothing that is published for
one use tells anything about another.
"""

import hashlib
import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from legato.vault.key_service import KEY_BYTES

_NONCE_BYTES = 12
_DIGEST_BYTES = 32
_PSEUDONYM_BYTES = 12
_ORGS_KEPT_MAX = 10_000


class Sealer:
    """AES-256-GCM with a random nonce in front of each ciphertext."""

    def __init__(self, key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self._cipher = AESGCM(key)
        self._random = random

    def seal(self, data: bytes, context: bytes) -> bytes:
        """Encrypt `data`, bound to `context`."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt.

        Raises:
            ValueError: altered, sealed by another key, or bound to another context.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):  # ValueError: cut off within the nonce
            msg = "sealed data can't be opened: it was altered or belongs elsewhere"
            raise ValueError(msg) from None


class Vault:
    """Everything that needs the root key. A worker has it in memory and asks nobody for it."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._digest_key = self.subkey("api key digests")
        self._pseudonym_keys: dict[str, bytes] = {}

    def subkey(self, purpose: str) -> bytes:
        """Return the 32-byte key of one purpose."""
        hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode())
        return hkdf.derive(self._root)

    def digest(self, secret: bytes) -> bytes:
        """Return what is stored of a key's secret: a keyed hash of 32 bytes."""
        return hashlib.blake2b(secret, digest_size=_DIGEST_BYTES, key=self._digest_key).digest()

    def pseudonym(self, org: str, user: str) -> str:
        """Return the name under which a user stands in the ledger: 24 hex digits.

        It can't be turned back without the root key. Each organisation has a key of its own.
        """
        key = self._pseudonym_keys.get(org)
        if key is None:
            if len(self._pseudonym_keys) >= _ORGS_KEPT_MAX:
                self._pseudonym_keys.clear()
            key = self._pseudonym_keys[org] = self.subkey(f"user pseudonyms\x00{org}")
        text = user.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=_PSEUDONYM_BYTES, key=key).hexdigest()

    def sealer(self, purpose: str) -> Sealer:
        """Return encryption for one purpose."""
        return Sealer(self.subkey(purpose))
