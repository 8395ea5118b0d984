"""Finds where a copy of a log was changed, by checkpoints that its key signed.

A copy has its leaves and, beside them, the hash of each. Somebody without the key can change both,
but not a checkpoint. So: leaves that make every signed root are whole. If they don't, the hashes
may; then they say which leaf is wrong. Where neither does, the first signed root that is not met
says between which two checkpoints the history was rewritten.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Final

import msgspec

from legato.audit.event import event_of
from legato.audit.merkle import Frontier, leaf_hash
from legato.audit.note import Checkpoint

SPAN: Final = 256
"""An export holds a checkpoint for each so many events: the span of a rewritten history."""


class Finding(msgspec.Struct, frozen=True):
    """What is wrong: at `index` exactly, or somewhere from `index` to before `end`."""

    index: int
    end: int
    told: str


class Copy(msgspec.Struct, frozen=True):
    """A whole log's copy: its leaves, the hash of each, and checkpoints that were verified."""

    leaves: Sequence[bytes]
    hashes: Sequence[bytes]
    signed: Sequence[Checkpoint]
    """The copy's own; the largest says how long the log was."""


def find_fault(copy: Copy, kept: Sequence[Checkpoint] = ()) -> Finding | None:
    """Return the first fault, None where there is none.

    `kept` are checkpoints that a reader has from before, verified as well: they show a history
    that was written anew by whoever has the key.
    """
    found = [leaf_hash(one) for one in copy.leaves]
    own = _own_fault(copy, found)
    fork = _fork(found, _ordered(kept))
    if own is None or (fork is not None and fork.end <= own.index):
        return fork or own
    return own


class Row(msgspec.Struct, frozen=True):
    """An event as a database keeps it: its columns, its leaf, and the nodes it completes."""

    number: int
    org: str
    action: str
    at_ns: int
    leaf: bytes
    nodes: bytes


class Kept(msgspec.Struct, frozen=True):
    """What came of looking at a database: the first fault, or the whole tree."""

    fault: Finding | None
    tree: Frontier


def find_kept_fault(rows: Iterable[Row], head: Frontier, kept: Sequence[Checkpoint] = ()) -> Kept:
    """Look through a database's log in constant memory; `head` is the tree it says it has.

    Nothing there is signed: somebody who makes all hashes anew is shown only by `kept`.
    """
    tree, counts, waiting = Frontier(), Counter[str](), _ordered(kept)
    good = 0
    for row in rows:
        told = _row_fault(row, tree, counts)
        if told is not None:
            return Kept(Finding(tree.size, tree.size + 1, told), tree)
        tree, _ = tree.appended(leaf_hash(row.leaf))
        while waiting and waiting[0].size == tree.size:
            if waiting[0].root != tree.root:
                told = f"this history isn't the one that was signed at {tree.size} events"
                return Kept(Finding(good, tree.size, told), tree)
            good = waiting.pop(0).size
    size = max([head.size, *(one.size for one in waiting)])
    if tree.size < size:
        told = f"event {tree.size} is missing: {size} were recorded"
        return Kept(Finding(tree.size, tree.size + 1, told), tree)
    if tree != head:
        told = f"the log's head says {head.size} events, with other hashes than theirs"
        return Kept(Finding(min(head.size, tree.size), tree.size + 1, told), tree)
    return Kept(None, tree)


def _row_fault(row: Row, tree: Frontier, counts: Counter[str]) -> str | None:
    index = tree.size
    if row.number != index:
        return f"event {index} is missing"
    if row.nodes != b"".join(tree.appended(leaf_hash(row.leaf))[1]):
        return f"event {index} isn't what was recorded: its hashes differ"
    try:
        event = event_of(row.leaf)
    except ValueError as error:
        return f"event {index}: {error}"
    counts[event.org] += 1
    if (event.index, event.org, event.org_index) != (index, row.org, counts[event.org] - 1):
        return f"event {index} is kept under another index or organisation than it says"
    if (event.action, event.at_ns) != (row.action, row.at_ns):
        return f"event {index} is kept under another action or time than it says"
    return None


def _own_fault(copy: Copy, found: list[bytes]) -> Finding | None:
    signed = _ordered(copy.signed)
    if not signed:
        return Finding(0, len(found) + 1, "no signed checkpoint says what the log was")
    good, bad = _met(found, signed)
    if bad is None:
        if len(found) > good:
            return Finding(good, good + 1, f"event {good} was never recorded")
        return _beside(found, copy.hashes) or _unreadable(copy.leaves)
    trusted, _ = _met(copy.hashes, signed)
    if trusted >= bad:
        differs = (at for at in range(good, bad) if found[at : at + 1] != [copy.hashes[at]])
        wrong = next(differs)
        return Finding(wrong, wrong + 1, _told(found, copy.hashes, wrong))
    if len(found) < bad:
        told = f"event {len(found)} is missing, and none from {good} on can be proven"
        return Finding(good, len(found) + 1, told)
    return Finding(good, bad, f"the history differs from what was signed at {bad} events")


def _fork(found: list[bytes], kept: Sequence[Checkpoint]) -> Finding | None:
    good, bad = _met(found, kept)
    if bad is None:
        return None
    if bad > len(found):
        told = f"event {len(found)} is missing: a checkpoint was signed at {bad} events"
        return Finding(len(found), len(found) + 1, told)
    return Finding(good, bad, f"this history isn't the one that was signed at {bad} events")


def _ordered(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    return sorted(checkpoints, key=lambda one: (one.size, one.root))


def _met(hashes: Sequence[bytes], signed: Sequence[Checkpoint]) -> tuple[int, int | None]:
    """Return the last size whose root is met, and the first size whose root isn't."""
    tree, good = Frontier(), 0
    for one in signed:
        if one.size > len(hashes):
            return good, one.size
        for leaf in hashes[tree.size : one.size]:
            tree, _ = tree.appended(leaf)
        if tree.root != one.root:
            return good, one.size
        good = one.size
    return good, None


def _first_difference(found: Sequence[bytes], hashes: Sequence[bytes]) -> int | None:
    pairs = enumerate(zip_longest(found, hashes))
    return next((at for at, (one, other) in pairs if one != other), None)


def _told(found: Sequence[bytes], hashes: Sequence[bytes], at: int) -> str:
    if at >= len(found):
        return f"event {at} is missing"
    if found[at] in hashes:
        return f"event {at} isn't the one that was there: it was moved, or one before it is missing"
    return f"event {at} isn't what was recorded"


def _beside(found: Sequence[bytes], hashes: Sequence[bytes]) -> Finding | None:
    at = _first_difference(found, hashes)
    if at is None:
        return None
    return Finding(at, at + 1, f"the hash beside event {at} was changed; the event is as recorded")


def _unreadable(leaves: Sequence[bytes]) -> Finding | None:
    """Return the first leaf that says another index than its own: a log never holds one."""
    for index, leaf in enumerate(leaves):
        try:
            event = event_of(leaf)
        except ValueError as error:
            return Finding(index, index + 1, f"event {index}: {error}")
        if event.index != index:
            told = f"event {index} says of itself that it is {event.index}"
            return Finding(index, index + 1, told)
    return None
