"""What a destination is, and what it is given."""

from typing import Protocol

import msgspec

from legato.audit.note import Checkpoint, VerifyingKey
from legato.audit.tiles import Tile


class CopyFailed(Exception):
    """A destination can't be reached, or refuses; it is tried again."""


class Forked(Exception):
    """A destination holds a log that ours hasn't grown from: one of them was changed.

    `checkpoint` is what it holds, where it could be read.
    """

    def __init__(self, told: str, checkpoint: Checkpoint | None = None) -> None:
        super().__init__(told)
        self.checkpoint = checkpoint


class Source(Protocol):
    """Our log. Every method may raise StorageUnavailable, and ValueError where it is damaged."""

    @property
    def key(self) -> VerifyingKey:
        """What its checkpoints are verified by."""
        ...

    def size(self) -> int:
        """Return how many events there are."""
        ...

    def root(self, size: int) -> bytes:
        """Return the root it had at a size."""
        ...

    def checkpoint(self, size: int) -> str:
        """Return a signed checkpoint of a size."""
        ...

    def hashes(self, tile: Tile) -> bytes:
        """Return a tile."""
        ...

    def events(self, tile: Tile) -> bytes:
        """Return a bundle of events."""
        ...


class Copied(msgspec.Struct, frozen=True):
    """Up to where a destination has the log, by its own account or by ours."""

    size: int
    root: bytes


class Destination(Protocol):
    """One place; blocking."""

    def copy(self, source: Source, before: Copied, size: int) -> None:
        """Give it what it doesn't have of a log of a size; `before` is what we know it had.

        Raises:
            CopyFailed: not all of it arrived; the next time begins where this one did.
            Forked: what it has isn't the beginning of ours; nothing was written.
        """
        ...


def require_grown(source: Source, held: Copied, checkpoint: Checkpoint | None = None) -> None:
    """Raise Forked where our log hasn't grown from what a destination holds."""
    size = source.size()
    if held.size > size:
        told = f"it holds {held.size} events, our log has {size}: the log was cut"
        raise Forked(told, checkpoint)
    if held.size and source.root(held.size) != held.root:
        told = f"what it holds of the first {held.size} events isn't what our log has"
        raise Forked(told, checkpoint)
