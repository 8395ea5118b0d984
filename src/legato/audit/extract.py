"""One organisation's part of a log: its events, each proven to stand in it, and how many."""

from collections.abc import Iterable

import msgspec

from legato.audit.checking import Finding
from legato.audit.event import Event, event_of
from legato.audit.merkle import leaf_hash, proves_inclusion
from legato.audit.note import Checkpoint, SigningKey, VerifyingKey, opened


class ProvenLeaf(msgspec.Struct, frozen=True):
    """A leaf as text, and the hashes (hex) from it to the checkpoint's root."""

    leaf: str
    proof: list[str]


class Extract(msgspec.Struct, frozen=True):
    """What an organisation is given."""

    org: str | None
    """None where it is all of the log."""
    events: Iterable[ProvenLeaf]
    """Read once, in constant memory."""
    checkpoint: Checkpoint
    count: int
    """How many there are, as signed."""


class Looked(msgspec.Struct, frozen=True):
    """The first fault, None where there is none, and how many events were looked at."""

    fault: Finding | None
    events: int


def sign_count(key: SigningKey, org: str, count: int, size: int) -> str:
    """Return a signed note: of a log of a size, so many events are this organisation's."""
    return key.sign(_statement(key.verifying, org, count, size))


def read_count(note: str, key: VerifyingKey, org: str, size: int) -> int:
    """Return how many events an organisation has in a log of a size. Raises ValueError."""
    text = opened(note, key)
    lines = text.split("\n")
    digits = lines[2] if len(lines) > 2 else ""  # noqa: PLR2004 - the third line
    count = int(digits) if digits.isascii() and digits.isdigit() else -1
    if text != _statement(key, org, count, size):
        msg = f"this isn't signed for {org} in a log of {size} events"
        raise ValueError(msg)
    return count


def find_extract_fault(extract: Extract) -> Looked:
    """Return the first fault; its `index` counts the organisation's events."""
    number = -1
    for number, one in enumerate(extract.events):
        told = _fault(extract, number, one)
        if told is not None:
            return Looked(Finding(number, number + 1, told), number + 1)
    found = number + 1
    if found < extract.count:
        told = f"event {found}{_of(extract)} is missing: {extract.count} were recorded"
        return Looked(Finding(found, found + 1, told), found)
    return Looked(None, found)


def _of(extract: Extract) -> str:
    return "" if extract.org is None else f" of {extract.org}"


def _fault(extract: Extract, number: int, one: ProvenLeaf) -> str | None:
    what = f"event {number}{_of(extract)}"
    if number >= extract.count:
        return f"{what} is one more than were recorded"
    leaf = one.leaf.encode()
    try:
        event: Event = event_of(leaf)
        path = [bytes.fromhex(step) for step in one.proof]
    except ValueError as error:
        return f"{what}: {error}"
    place = (event.index, extract.checkpoint.size)
    if not proves_inclusion(leaf_hash(leaf), place, path, extract.checkpoint.root):
        return f"{what} isn't in the log: it or its proof was changed"
    in_place = event.index == number
    if extract.org is not None:
        in_place = (event.org, event.org_index) == (extract.org, number)
    return None if in_place else f"{what} is missing, or isn't in its place"


def _statement(key: VerifyingKey, org: str, count: int, size: int) -> str:
    named = msgspec.json.encode(org).decode()  # on one line, whatever is in it
    return f"{key.name} organisation\n{named}\n{count}\n{size}\n"
