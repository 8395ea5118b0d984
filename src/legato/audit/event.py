"""What an audit log says of one act, and the bytes that are hashed of it."""

from typing import Final

import msgspec

VERSION: Final = 1
REASON_CHARACTERS_MAX: Final = 500

Detail = str | int | bool | None
"""No floating point: its digits are not the same in every language."""


class Actor(msgspec.Struct, frozen=True):
    """Who did it: a `key` by its id, an `operator` at a terminal by the name, or a `process`."""

    kind: str
    id: str


class Subject(msgspec.Struct, frozen=True):
    """What it was done to; `digest` is of the version that is meant, "" where there are none."""

    kind: str
    id: str
    digest: str = ""


class Act(msgspec.Struct, frozen=True):
    """What is told of an act: names and ids. No secret, no content, no user but by pseudonym.

    `org` is whose log shows it, "" for what concerns the instance alone.
    """

    org: str
    action: str
    subject: Subject
    outcome: str = "done"
    reason: str = ""
    details: dict[str, Detail] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event as it stands in the log: `index` in all of it, `org_index` in its organisation's.

    Both count from 0 without gaps.
    """

    version: int
    index: int
    org: str
    org_index: int
    at_ns: int
    actor: Actor
    action: str
    subject: Subject
    outcome: str
    reason: str
    request_id: str
    details: dict[str, Detail]


_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(Event).decode


def leaf_of(event: Event) -> bytes:
    """Return the bytes that are hashed: JSON in UTF-8, keys in order, nothing between."""
    return _encode(event)


def event_of(leaf: bytes) -> Event:
    """Read a leaf.

    Raises:
        ValueError: it isn't what `leaf_of` writes.
    """
    try:
        event = _decode(leaf)
    except msgspec.MsgspecError as error:
        msg = f"no event of an audit log: {error}"
        raise ValueError(msg) from None
    if leaf_of(event) != leaf:
        msg = "no event of an audit log: its JSON isn't canonical"
        raise ValueError(msg)
    return event
