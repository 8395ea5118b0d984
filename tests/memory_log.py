"""An audit log in memory: what copies of one are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legato.audit.event import VERSION, Actor, Event, Subject, leaf_of
from legato.audit.merkle import frontier_of, leaf_hash
from legato.audit.note import Checkpoint, SigningKey, VerifyingKey
from legato.offsite.destination import Copied

if TYPE_CHECKING:
    from legato.audit.tiles import Tile


def leaf(index: int, name: str) -> bytes:
    return leaf_of(
        Event(
            version=VERSION, index=index, org="acme", org_index=index, at_ns=1_700_000_000 * 10**9,
            actor=Actor("key", "k1"), action="key.create", subject=Subject("key", f"{name}{index}"),
            outcome="done", reason="", request_id="", details={},
        )
    )  # fmt: skip


class MemoryLog:
    """A `Source` in memory."""

    def __init__(self, size: int, name: str = "k") -> None:
        self.leaves = [leaf(index, name) for index in range(size)]
        self._signing = SigningKey(b"7" * 32)

    @property
    def key(self) -> VerifyingKey:
        return self._signing.verifying

    def size(self) -> int:
        return len(self.leaves)

    def root(self, size: int) -> bytes:
        return frontier_of([leaf_hash(one) for one in self.leaves[:size]]).root

    def checkpoint(self, size: int) -> str:
        return self._signing.sign(Checkpoint(self.key.name, size, self.root(size)).text())

    def hashes(self, tile: Tile) -> bytes:
        span = 256**tile.level
        first = tile.place * 256
        parts = [
            self.leaves[(first + at) * span : (first + at + 1) * span] for at in range(tile.width)
        ]
        return b"".join(frontier_of([leaf_hash(one) for one in part]).root for part in parts)

    def events(self, tile: Tile) -> bytes:
        first = tile.place * 256
        return b"".join(
            len(one).to_bytes(2) + one for one in self.leaves[first : first + tile.width]
        )

    def held(self, size: int) -> Copied:
        return Copied(size, self.root(size))
