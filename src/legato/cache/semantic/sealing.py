"""Entries as they are kept: sealed with their vectors under the key of their organisation.

A vector tells much of its text (Morris et al., "Text embeddings reveal (almost) as much as text",
2023), so it is content, too.
"""

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from legato.cache.semantic.entry import Entry, decode_entry, entry_context

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCALE = 32_767.0


class Sealer(Protocol):
    """Encryption under an organisation's key. Blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt. Raises VaultUnusable, StorageUnavailable."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError for anything altered, VaultUnusable, StorageUnavailable."""
        ...


_encode = msgspec.msgpack.Encoder().encode


def seal(sealer: Sealer, entry: Entry, vector: "NDArray[np.float32]") -> bytes:
    """Return what may be stored. Raises as the sealer does."""
    short = np.rint(vector * _SCALE).astype("<i2").tobytes()
    return sealer.seal(entry.org, _encode((entry, short)), entry_context(entry.id))


def unseal(
    sealer: Sealer, org: str, entry_id: str, sealed: bytes
) -> tuple[Entry, "NDArray[np.float32]"]:
    """Return what was stored.

    Raises:
        ValueError: it was altered, or is of another organisation or entry.
        VaultUnusable, StorageUnavailable: the key can't be had now.
    """
    data = sealer.open(org, sealed, entry_context(entry_id))
    entry, short = decode_entry(data)  # msgspec's errors are ValueErrors
    if entry.org != org or entry.id != entry_id:
        msg = "an entry of the semantic cache says that it is another"
        raise ValueError(msg)
    return entry, np.frombuffer(short, "<i2").astype(np.float32) / np.float32(_SCALE)
