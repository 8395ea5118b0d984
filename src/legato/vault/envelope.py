"""Data at rest: sealed under the data key of the organisation it belongs to.

    version (1 byte) · id of the data key (16) · nonce (12) · AES-256-GCM ciphertext and tag

The header, the organisation and a context of the caller's are authenticated with it, so a sealed
value can't be moved to another place, row or organisation.
"""

import os
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from legato.vault.data_keys import DataKeys

_VERSION = b"\x01"
_ID_BYTES = 16
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + _ID_BYTES


class Envelopes:
    """Seals and opens; blocking when a key is met for the first time."""

    def __init__(self, keys: DataKeys, random: Callable[[int], bytes] = os.urandom) -> None:
        self._keys = keys
        self._random = random

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt for an organisation. Raises VaultUnusable, StorageUnavailable."""
        key = self._keys.current(org)
        header = _VERSION + bytes.fromhex(key.id)
        nonce = self._random(_NONCE_BYTES)
        sealed = AESGCM(key.key).encrypt(nonce, data, _bound_to(header, org, context))
        return header + nonce + sealed

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt.

        Raises:
            ValueError: altered, or of another organisation or context.
            KeyDestroyed: a ValueError, too: nobody can open it any more.
            VaultUnusable, StorageUnavailable: its key can't be had now.
        """
        msg = "sealed data can't be opened: it was altered or belongs elsewhere"
        header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
        if len(header) != _HEADER_BYTES or header[:1] != _VERSION:
            raise ValueError(msg)
        key = self._keys.named(org, header[1:].hex())
        if key is None:
            raise ValueError(msg)
        nonce, ciphertext = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        try:
            return AESGCM(key.key).decrypt(nonce, ciphertext, _bound_to(header, org, context))
        except (InvalidTag, ValueError):
            raise ValueError(msg) from None


def _bound_to(header: bytes, org: str, context: bytes) -> bytes:
    return b"\x00".join((header, org.encode(), context))
