"""Where master keys are. A master key encrypts nothing but the data keys.

A key service other than ours (a cloud's KMS, a hardware module) registers an entry point of the
group `legato.key_services`: a callable `factory(given: KeyServiceSettings) -> KeyService`
(`vault/services/settings.py`), named after `vault.key_service.kind` in legato.yaml.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from legato.core.errors import OperatorError

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 8


class VaultUnusable(OperatorError):
    """A master key is missing, damaged, readable by others, or not the one that is needed."""

    code = "vault_unusable"


class ServiceAway(VaultUnusable):
    """What keeps keys or secrets for us doesn't answer."""


class KeyService(Protocol):
    """Wraps and unwraps data keys under master keys that it never gives away. Blocking."""

    @property
    def current_id(self) -> str:
        """The master key that new data keys are wrapped under; says nothing about it."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a data key under the current master key, bound to `context`."""
        ...

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt a data key.

        Raises:
            VaultUnusable: that master key isn't at hand, or this is not what it wrapped.
        """
        ...


class LocalKeys:
    """Master keys in memory: the first is current, the others only unwrap."""

    def __init__(self, keys: Sequence[bytes], random: Callable[[int], bytes] = os.urandom) -> None:
        self._ciphers = {master_id(key): AESGCM(key) for key in keys}
        self._current_id = master_id(keys[0])
        self._random = random

    @property
    def current_id(self) -> str:
        """The id of the first key."""
        return self._current_id

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt with AES-256-GCM, the nonce in front."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._ciphers[self._current_id].encrypt(nonce, key, context)

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt. Raises VaultUnusable."""
        cipher = self._ciphers.get(master_id)
        if cipher is None:
            at_hand = ", ".join(self._ciphers)
            msg = (
                f"A data key is wrapped under master key {master_id}, but only {at_hand} is at "
                "hand: restore it, or name it as vault.master_key_previous."
            )
            raise VaultUnusable(msg)
        try:
            return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise VaultUnusable("A data key in the database was altered: restore it.") from None


def master_id(key: bytes) -> str:
    """Return the name of a master key: 16 hex digits of a hash that gives nothing away."""
    return hashlib.blake2b(key, digest_size=_ID_BYTES, person=b"legato master id").hexdigest()


def read_master(text: str, place: str) -> bytes:
    """Read a master key as it stands in a secret: 32 bytes in base64 or hex.

    Raises:
        VaultUnusable: it is something else. The message never shows it.
    """
    stripped = text.strip()
    try:
        key = (
            bytes.fromhex(stripped)
            if len(stripped) == 2 * KEY_BYTES
            else base64.b64decode(stripped, validate=True)
        )
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        msg = f"{place} is no master key: write 32 random bytes in base64 (openssl rand -base64 32)"
        raise VaultUnusable(msg)
    return key
