"""Says whether a mirror of the audit log is whole: offline, from the files of a folder alone.

A bucket's copy is one, too, once its objects lie in a folder.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from legato.app.desks.audit import CHECKPOINT, MANIFEST
from legato.app.desks.audit_files import Verified, kept_checkpoint
from legato.audit.checking import Copy, find_fault
from legato.audit.merkle import HASH_BYTES
from legato.audit.note import Checkpoint, VerifyingKey
from legato.audit.tiles import Tile, begun, tiles_between
from legato.core.errors import OperatorError

_CHECKPOINTS: Final = "checkpoints"


def is_mirror(folder: Path) -> bool:
    """Whether a folder is a mirror rather than an export that was handed out."""
    return (folder / CHECKPOINT).is_file() and not (folder / MANIFEST).exists()


def verify_mirror(folder: Path, key: VerifyingKey, kept: list[Checkpoint]) -> Verified:
    """Verify a mirror. Raises OperatorError where it can't be read, or the key didn't sign it.

    It is as long as the largest checkpoint in it says: one that was set back is shown by those
    that it has under `checkpoints/`, else by `kept`.
    """
    last = kept_checkpoint(folder / CHECKPOINT, key)
    files = sorted((folder / _CHECKPOINTS).glob("*"))
    signed = [last, *(kept_checkpoint(one, key) for one in files)]
    size = max(one.size for one in signed)
    tiles = [one for one in tiles_between(0, size) if one.level == 0]
    leaves = _in_order(tiles, [begun(_bytes(folder / one.path(entries=True))) for one in tiles])
    hashes = _in_order(tiles, [_hashes(_bytes(folder / one.path())) for one in tiles])
    longest = max(signed, key=lambda one: one.size)
    return Verified(find_fault(Copy(leaves, hashes, signed), kept), longest, None, size, key)


def _in_order(tiles: Iterable[Tile], parts: Iterable[list[bytes]]) -> list[bytes]:
    """Join what the tiles hold, up to the first that holds less than it should."""
    joined: list[bytes] = []
    for tile, part in zip(tiles, parts, strict=True):
        joined += part
        if len(part) < tile.width:
            break
    return joined


def _hashes(tile: bytes) -> list[bytes]:
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def _bytes(file: Path) -> bytes:
    """Return what a file holds; b"" where there is none, as somebody may have taken it out."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise OperatorError(f"{file} can't be read: {error.strerror}") from None
