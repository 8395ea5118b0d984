"""Merkle trees over a log that only grows: RFC 9162, section 2.1, with SHA-256.

A node is named by its height and its place at that height: (0, i) is leaf i, (h, j) stands over
the leaves from j * 2**h on, 2**h of them, and never changes once these are there.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

import msgspec

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""Returns the hash of a complete subtree by height and place."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over two others."""
    return sha256(b"\x01" + left + right).digest()


class Frontier(msgspec.Struct, frozen=True):
    """What is needed of a tree to append to it: its complete subtrees, the largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return _folded(self.hashes) if self.hashes else EMPTY_ROOT

    def appended(self, leaf: bytes) -> tuple["Frontier", tuple[bytes, ...]]:
        """Return the tree with one more leaf hash, and the nodes it completes, the leaf first."""
        hashes, made = list(self.hashes), [leaf]
        size = self.size
        while size & 1:
            made.append(node_hash(hashes.pop(), made[-1]))
            size >>= 1
        hashes.append(made[-1])
        return Frontier(self.size + 1, tuple(hashes)), tuple(made)

    def packed(self) -> bytes:
        """Return the hashes in a row."""
        return b"".join(self.hashes)


def unpacked(size: int, packed: bytes) -> Frontier:
    """Read what `Frontier.packed` wrote. Raises ValueError where it can't be of that size."""
    if len(packed) != size.bit_count() * HASH_BYTES:
        msg = f"a tree of {size} has {size.bit_count()} complete subtrees"
        raise ValueError(msg)
    places = range(0, len(packed), HASH_BYTES)
    return Frontier(size, tuple(packed[at : at + HASH_BYTES] for at in places))


def frontier_of(leaf_hashes: Iterable[bytes]) -> Frontier:
    """Return the tree over some leaf hashes."""
    tree = Frontier()
    for one in leaf_hashes:
        tree, _ = tree.appended(one)
    return tree


def root_of(first: int, end: int, node: Node) -> bytes:
    """Return the root over the leaves of a range that begins where a subtree of its size does."""
    if first == end:
        return EMPTY_ROOT
    found, at = [], first
    while at < end:
        height = (end - at).bit_length() - 1
        found.append(node(height, at >> height))
        at += 1 << height
    return _folded(found)


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """Return the path from a leaf to the root of the tree of a size, the leaf's end first."""
    if not 0 <= index < size:
        msg = f"a tree of {size} has no leaf {index}"
        raise ValueError(msg)
    first, end, path = 0, size, []
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(root_of(middle, end, node))
            end = middle
        else:
            path.append(root_of(first, middle, node))
            first = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """Return what shows that the tree of size `old` is the beginning of that of size `new`."""
    if not 0 < old <= new:
        msg = f"there is no proof from {old} to {new}"
        raise ValueError(msg)
    first, end, path, whole = 0, new, [], True
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            path.append(root_of(middle, end, node))
            end = middle
        else:
            path.append(root_of(first, middle, node))
            first, whole = middle, False
    if not whole:
        path.append(root_of(first, end, node))
    return path[::-1]


def proves_inclusion(
    leaf: bytes, place: tuple[int, int], path: Sequence[bytes], root: bytes
) -> bool:
    """Whether a leaf hash is at `place` (index, size) of the tree with this root: 2.1.3.2."""
    index, size = place
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for one in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(one, found)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found = node_hash(found, one)
        at >>= 1
        last >>= 1
    return last == 0 and found == root


def proves_consistency(
    old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]
) -> bool:
    """Whether one tree (size, root) is the beginning of another: 2.1.4.2."""
    if not 0 < old[0] <= new[0]:
        return False
    if old[0] == new[0]:
        return not path and old[1] == new[1]
    steps = [old[1], *path] if old[0] & (old[0] - 1) == 0 else list(path)
    if not steps:
        return False
    at, last = old[0] - 1, new[0] - 1
    while at & 1:
        at >>= 1
        last >>= 1
    before = after = steps[0]
    for one in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(one, before), node_hash(one, after)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            after = node_hash(after, one)
        at >>= 1
        last >>= 1
    return last == 0 and before == old[1] and after == new[1]


def _split(size: int) -> int:
    """Return the largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)


def _folded(subtrees: Sequence[bytes]) -> bytes:
    root = subtrees[-1]
    for one in reversed(subtrees[:-1]):
        root = node_hash(one, root)
    return root
