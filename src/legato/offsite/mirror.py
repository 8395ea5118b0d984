"""A mirror of the log in a place of named objects: https://c2sp.org/tlog-tiles.

The mirror itself says what it has, by the checkpoint in it. Every checkpoint that was copied stays
under `checkpoints/`, so that a mirror whose objects can't be overwritten shows each of them.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from legato.audit.merkle import HASH_BYTES
from legato.audit.note import Checkpoint, VerifyingKey, read_checkpoint
from legato.audit.tiles import TILE_WIDTH, Tile, tiles_between
from legato.offsite.destination import Copied, CopyFailed, Forked, Source, require_grown

CHECKPOINT: Final = "checkpoint"
KEY: Final = "key"


class Objects(Protocol):
    """Named objects; blocking. Every method may raise CopyFailed."""

    def read(self, name: str) -> bytes | None:
        """Return one, None where there is none."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write one, whole or not at all."""
        ...

    def remove(self, name: str) -> None:
        """Remove one, where that may be and there is one."""
        ...


class Mirror:
    """A `Destination`."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def held(self, key: VerifyingKey) -> Checkpoint | None:
        """Return the checkpoint that the mirror has, None where it is empty.

        Raises:
            CopyFailed: it can't be read.
            Forked: another key signed it, or it was altered.
        """
        note = self._objects.read(CHECKPOINT)
        if note is None:
            return None
        try:
            return read_checkpoint(note.decode("utf-8", "replace"), key)
        except ValueError as error:
            told = f"its checkpoint isn't one of ours: {error}"
            raise Forked(told) from None

    def copy(self, source: Source, before: Copied, size: int) -> None:
        """Write new tiles and bundles, and the checkpoint last."""
        held = self.held(source.key)
        if held is None and before.size:
            told = f"it held {before.size} events and has no checkpoint any more"
            raise Forked(told)
        if held is not None and held.size < before.size:
            told = f"it held {before.size} events and says {held.size} now: it was set back"
            raise Forked(told, held)
        old = 0
        if held is not None:
            require_grown(source, Copied(held.size, held.root), held)
            old = held.size
        if old == size:
            return
        for tile in tiles_between(old, size):
            self._objects.write(tile.path(), source.hashes(tile))
            if tile.level == 0:
                self._objects.write(tile.path(entries=True), source.events(tile))
        note = source.checkpoint(size).encode()
        if held is None:
            self._objects.write(KEY, f"{source.key}\n".encode())
        self._objects.write(f"checkpoints/{size:012d}", note)
        self._objects.write(CHECKPOINT, note)
        self._tidy(old, size)

    def hashes(self, size: int) -> Iterator[bytes]:
        """Yield the hashes of the events that the mirror has, in order. Raises CopyFailed."""
        for tile in tiles_between(0, size):
            if tile.level:
                return
            found = self._objects.read(tile.path())
            if found is None or len(found) != tile.width * HASH_BYTES:
                raise CopyFailed(f"{tile.path()} is missing or damaged")
            for at in range(0, len(found), HASH_BYTES):
                yield found[at : at + HASH_BYTES]

    def _tidy(self, old: int, size: int) -> None:
        """Remove the partial tiles that a wider one has taken the place of."""
        wider = {(one.level, one.place) for one in tiles_between(old, size)}
        for level, place in wider:
            width = (old >> 8 * level) - place * TILE_WIDTH
            if 0 < width < TILE_WIDTH:
                gone = Tile(level, place, width)
                self._objects.remove(gone.path())
                if level == 0:
                    self._objects.remove(gone.path(entries=True))
