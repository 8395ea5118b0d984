"""Ten thousand ways of changing a copy of a log, all found, each where it is."""

import random

import msgspec
import pytest

from legato.audit.checking import Copy, Finding, find_fault
from legato.audit.event import VERSION, Actor, Event, Subject, leaf_of
from legato.audit.merkle import frontier_of, leaf_hash
from legato.audit.note import Checkpoint

SIZE, SPAN = 40, 16


def leaf(index: int) -> bytes:
    return leaf_of(
        Event(
            version=VERSION,
            index=index,
            org="acme",
            org_index=index,
            at_ns=1_700_000_000_000_000_000 + index,
            actor=Actor("key", "k1"),
            action="key.create",
            subject=Subject("key", f"k{index}"),
            outcome="done",
            reason="",
            request_id="",
            details={},
        )
    )


def checkpoint(leaves: list[bytes], size: int) -> Checkpoint:
    tree = frontier_of([leaf_hash(one) for one in leaves[:size]])
    return Checkpoint("legato/audit", size, tree.root)


def copy_of(leaves: list[bytes]) -> Copy:
    sizes = {*range(SPAN, len(leaves), SPAN), len(leaves)}
    signed = [checkpoint(leaves, size) for size in sorted(sizes)]
    return Copy(leaves, [leaf_hash(one) for one in leaves], signed)


LEAVES = [leaf(index) for index in range(SIZE)]
WHOLE = copy_of(LEAVES)


def edited(one: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(one))
    return one[:at] + bytes([one[at] ^ dice.randrange(1, 256)]) + one[at + 1 :]


def tampered(kind: str, dice: random.Random) -> tuple[Copy, int, bool]:
    """A copy, the first index at which it is wrong, and whether that can be told exactly."""
    leaves, hashes = list(LEAVES), list(WHOLE.hashes)
    at = dice.randrange(SIZE)
    exact = True
    if kind == "edit":
        leaves[at] = edited(leaves[at], dice)
    elif kind == "swap":
        other = dice.choice([one for one in range(SIZE) if one != at])
        leaves[at], leaves[other] = leaves[other], leaves[at]
        at = min(at, other)
    elif kind == "delete":
        del leaves[at]
    elif kind == "duplicate":
        leaves.insert(at, leaves[at])
        at += 1
    elif kind == "truncate":
        del leaves[at:]
    elif kind == "truncate both":
        del leaves[at:], hashes[at:]
        exact = at % SPAN == 0
    elif kind == "rewrite":
        leaves[at] = edited(leaves[at], dice)
        hashes[at] = leaf_hash(leaves[at])
        exact = False
    elif kind == "hash":
        hashes[at] = edited(hashes[at], dice)
    elif kind == "append":
        leaves.append(leaf(SIZE))
        hashes.append(leaf_hash(leaves[-1]))
        at = SIZE
    return msgspec.structs.replace(WHOLE, leaves=leaves, hashes=hashes), at, exact


KINDS = (
    "edit",
    "swap",
    "delete",
    "duplicate",
    "truncate",
    "truncate both",
    "rewrite",
    "hash",
    "append",
)


def test_a_whole_copy_has_no_fault() -> None:
    assert find_fault(WHOLE) is None
    assert find_fault(WHOLE, [checkpoint(LEAVES, size) for size in (1, 7, SIZE)]) is None


def test_ten_thousand_tamperings_are_found_where_they_are() -> None:
    dice = random.Random(6)
    for number in range(10_000):
        copy, at, exact = tampered(KINDS[number % len(KINDS)], dice)
        found = find_fault(copy)
        assert found is not None, (KINDS[number % len(KINDS)], at)
        assert found.index <= at < found.end <= found.index + SPAN + 1
        if exact:
            assert (found.index, found.end) == (at, at + 1), (KINDS[number % len(KINDS)], at)


def test_a_history_written_anew_with_the_key_differs_from_a_checkpoint_kept() -> None:
    dice = random.Random(7)
    for _ in range(200):
        at, size = dice.randrange(SIZE), dice.randrange(1, SIZE + 1)
        forked = list(LEAVES)
        forked[at] = leaf(at).replace(b"k1", b"k9")
        found = find_fault(copy_of(forked), [checkpoint(LEAVES, size)])
        if at < size:
            assert found is not None
            assert found.index <= at < found.end == size
        else:
            assert found is None


@pytest.mark.parametrize("size", [17, 39])
def test_a_copy_cut_with_all_its_checkpoints_is_shown_by_a_later_one(size: int) -> None:
    cut = copy_of(LEAVES[:size])
    assert find_fault(cut) is None
    told = f"event {size} is missing: a checkpoint was signed at {SIZE} events"
    later = [checkpoint(LEAVES, SIZE)]
    assert find_fault(cut, later) == Finding(size, size + 1, told)


def test_a_fork_before_an_edit_is_told_first() -> None:
    forked = [leaf(0).replace(b"k1", b"k9"), *LEAVES[1:]]
    copy = copy_of(forked)
    forked[30] = b"{}"
    found = find_fault(copy, [checkpoint(LEAVES, 5)])
    assert found is not None
    assert (found.index, found.end) == (0, 5)


def test_a_log_that_numbers_its_events_wrongly_is_refused() -> None:
    found = find_fault(copy_of([leaf(0), leaf(2)]))
    assert found is not None
    assert (found.index, found.told) == (1, "event 1 says of itself that it is 2")
    unread = find_fault(copy_of([leaf(0), b"{}"]))
    assert unread is not None
    assert unread.index == 1


def test_a_copy_without_a_checkpoint_proves_nothing() -> None:
    assert find_fault(Copy(LEAVES, WHOLE.hashes, [])) is not None
