"""What the semantic cache keeps, and what it finds."""

import msgspec

from legato.cache.exact import CachedAnswer
from legato.core.semantic_records import DOCUMENT, Selection


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A question and its answer. Everything but the question's words is in the partition."""

    id: str
    partition: bytes
    text: str
    """The question."""
    answer: CachedAnswer
    cost: int | None
    """What the answer had cost, in nano-USD: what a hit saves. None: not known."""
    org: str
    team: str
    route: str
    versions: str
    """The versions (of a prompt, a route) that answered, as the call names them."""
    tags: tuple[str, ...]
    created_ns: int
    """When it was asked, not when it was answered: a purge in between must catch it."""
    expires_ns: int
    request_id: str = ""
    """What asked it first; "" in entries of earlier versions, as is `user`."""
    user: str = ""
    """The pseudonym of who asked it, "" where the call names nobody."""


def entry_context(entry_id: str) -> bytes:
    """Return what a kept entry is bound to."""
    return b"semantic entry\x00" + entry_id.encode()


decode_entry = msgspec.msgpack.Decoder(tuple[Entry, bytes]).decode
"""Reads what is sealed of one: the entry, and its vector."""


class Found(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry near to a question; `similarity` is the cosine of the two vectors."""

    entry: Entry
    similarity: float


def names(selection: Selection, entry: Entry) -> bool:
    """Whether an entry is among those that a selection names."""
    return (
        (selection.org is None or entry.org == selection.org)
        and (not selection.ids or entry.id in selection.ids)
        and (not selection.requests or entry.request_id in selection.requests)
        and (selection.user is None or entry.user == selection.user)
        and (not selection.tags or any(tag in selection.tags for tag in entry.tags))
        and (selection.document is None or _came_with(selection.document, entry.tags))
        and (selection.team is None or entry.team == selection.team)
        and (selection.versions is None or selection.versions in entry.versions)
        and (selection.route is None or entry.route == selection.route)
        and (selection.partition is None or entry.partition == selection.partition)
        and (selection.before_ns is None or entry.created_ns < selection.before_ns)
    )


def _came_with(document: str, tags: tuple[str, ...]) -> bool:
    tag = DOCUMENT + document
    return any(one == tag or ("@" not in document and one.startswith(tag + "@")) for one in tags)
