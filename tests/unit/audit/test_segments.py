"""Segments: any change of what was sealed is found, and what retention may drop isn't one."""

import random
from types import SimpleNamespace

import msgspec

from legato.audit.merkle import leaf_hash
from legato.audit.segments import (
    FORM,
    Head,
    Item,
    Seal,
    StoredSegment,
    find_segment_fault,
    root_of_leaves,
    seal_of,
)

ROWS = 24


def item(number: int, *, org: str = "acme") -> tuple[Item, bytes]:
    """A block of one to four requests, as it is sealed, and its head."""
    requests = 1 + number % 4
    head = msgspec.json.encode(
        Head(FORM, number, org, "w/1", number, number, number, "a", "b", requests)
    )
    leaves = [head, *(f"{number}-{one}".encode() for one in range(requests))]
    return Item(number, number, b"".join(map(leaf_hash, leaves))), head


def sealed(kind: str = "decisions") -> tuple[Seal, StoredSegment, list[Item]]:
    if kind == "ledger":
        items = [Item(one, one, leaf_hash(b"%d" % one)) for one in range(1, ROWS)]
        heads: tuple[bytes, ...] = ()
    else:
        made = [item(one) for one in range(1, ROWS)]
        items, heads = [one for one, _ in made], tuple(head for _, head in made)
    hashes = b"".join(one.hashes for one in items)
    seal = Seal(
        kind=kind, number=0, form=FORM, after=0, last=ROWS - 1, items=len(items),
        leaves=len(hashes) // 32, first_at_ns=1, last_at_ns=ROWS - 1, root=root_of_leaves(hashes),
    )  # fmt: skip
    return seal, StoredSegment(hashes, heads), items


def tampered(
    what: str, stored: StoredSegment, items: list[Item], dice: random.Random
) -> tuple[StoredSegment | None, list[Item]]:
    rows, at = list(items), dice.randrange(len(items))
    one = rows[at]
    if what == "edit":
        place = dice.randrange(len(one.hashes))
        bad = bytes([one.hashes[place] ^ dice.randrange(1, 256)])
        changed = one.hashes[:place] + bad + one.hashes[place + 1 :]
        rows[at] = msgspec.structs.replace(one, hashes=changed)
    elif what == "delete":
        del rows[at]
    elif what == "swap":
        other = (at + dice.randrange(1, len(rows))) % len(rows)
        rows[at], rows[other] = rows[other], rows[at]
    elif what == "insert":
        rows.insert(at, Item(10_000, 10_000, leaf_hash(b"new")))
    elif what == "truncate":
        del rows[at:]
    elif what == "both":
        del rows[at]
        stored = StoredSegment(b"".join(row.hashes for row in rows), stored.heads)
    elif what == "hashes":
        stored = StoredSegment(stored.hashes[32:] + b"\0" * 32, stored.heads)
    elif what == "beside":
        return None, rows[:at]
    return stored, rows


KINDS = ("edit", "delete", "swap", "insert", "truncate", "both", "hashes", "beside")


def test_ten_thousand_tamperings_are_found() -> None:
    dice = random.Random(8)
    whole = {kind: sealed(kind) for kind in ("ledger", "decisions")}
    for seal, stored, items in whole.values():
        assert find_segment_fault((7, seal), stored, items, 0) is None
    for number in range(10_000):
        what = KINDS[number % len(KINDS)]
        seal, stored, items = whole[("ledger", "decisions")[number // len(KINDS) % 2]]
        beside, rows = tampered(what, stored, items, dice)
        fault = find_segment_fault((7, seal), beside, rows, 0)
        assert fault is not None, (what, rows)
        assert (fault.event, fault.segment) == (7, f"{seal.kind}/0")


def test_what_is_old_may_be_missing_and_nothing_else() -> None:
    seal, stored, items = sealed()
    assert find_segment_fault((0, seal), stored, items[9:], 10) is None
    fault = find_segment_fault((0, seal), stored, items[10:], 10)
    assert fault is not None
    assert "before row" in fault.told
    edited = [msgspec.structs.replace(items[0], hashes=b"\0" * 64), *items[9:]]
    fault = find_segment_fault((0, seal), stored, edited, 10)
    assert fault is not None
    assert fault.row == items[0].id


def test_of_a_segment_that_had_its_time_the_root_stays() -> None:
    seal, _, items = sealed()
    gone = StoredSegment(b"", ())
    assert find_segment_fault((0, seal), gone, [], ROWS) is None
    assert find_segment_fault((0, seal), None, [], ROWS) is None
    assert find_segment_fault((0, seal), gone, items[:2], ROWS) is None  # it goes soon
    later = Item(5, ROWS + 1, b"\0" * 32)
    assert find_segment_fault((0, seal), gone, [later], ROWS) is not None
    assert find_segment_fault((0, seal), gone, [], 5) is not None


def test_an_edited_request_is_told_by_its_number() -> None:
    seal, stored, items = sealed()
    rows = list(items)
    rows[6] = msgspec.structs.replace(rows[6], hashes=rows[6].hashes[:-32] + b"\0" * 32)
    fault = find_segment_fault((0, seal), stored, rows, 0)
    assert fault is not None
    assert fault.told == "row 7 isn't what was sealed, at its request 3"


def test_a_seal_is_read_as_it_was_recorded() -> None:
    seal, _, _ = sealed()
    act = seal.act()
    assert act.org == ""

    recorded = SimpleNamespace(index=3, subject=act.subject, details=act.details)
    assert seal_of(recorded) == seal  # type: ignore[arg-type]
    assert seal.records == seal.leaves - seal.items
