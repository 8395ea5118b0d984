"""What is written down of the semantic cache's entries, apart from their sealed content."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec


class Counts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of an entry, over all workers as far as this one knows."""

    hits: int = 0
    saved: int = 0
    """In nano-USD."""
    wrong: int = 0
    """How often somebody, or a check, called a hit wrong."""

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum."""
        return Counts(self.hits + other.hits, self.saved + other.saved, self.wrong + other.wrong)


NONE: Final = Counts()
DOCUMENT: Final = "document:"
"""How the tag of a document begins."""


class Selection(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Entries to forget: those that every given field names. Nothing given names all there are."""

    org: str | None = None
    ids: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    """What any of these requests asked."""
    user: str | None = None
    """What this one asked, by pseudonym."""
    tags: tuple[str, ...] = ()
    """Any of these: a document is a tag, too."""
    document: str | None = None
    """Came with this document, `4711` in any version, `4711@3fa9c1` in one."""
    team: str | None = None
    versions: str | None = None
    """Part of the entry's: `prompt/greeting@` names all versions of that prompt."""
    route: str | None = None
    partition: bytes | None = None
    before_ns: int | None = None
    """Asked before this time."""

    @property
    def in_plain(self) -> bool:
        """Whether all it asks for is told by what isn't sealed."""
        sealed = (self.versions, self.route, self.partition, self.document, self.team)
        return not self.tags and all(one is None for one in sealed)


def selection_of(
    *,
    entry: str | None = None,
    tags: Sequence[str] = (),
    prompt: str | None = None,
    route: str | None = None,
    document: str | None = None,
    before_ns: int | None = None,
) -> Selection:
    """Return what people name: `prompt` is a name, or NAME@DIGEST for one of its versions."""
    versions = None
    if prompt is not None:
        versions = f"prompt/{prompt}" if "@" in prompt else f"prompt/{prompt}@"
    return Selection(
        ids=() if entry is None else (entry,),
        tags=tuple(tags),
        document=document,
        versions=versions,
        route=route,
        before_ns=before_ns,
    )


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A new entry, sealed."""

    id: str
    org: str
    created_ns: int
    expires_ns: int
    sealed: bytes
    request_id: str = ""
    user: str = ""


class Changed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry that is new, has other counts, or was forgotten."""

    change: int
    id: str
    org: str
    forgotten: bool
    counts: Counts


class Purge(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What has been purged, whoever holds it: of what was asked up to then."""

    change: int
    at_ns: int
    selection: Selection


class Batch(msgspec.Struct, frozen=True, gc=False):
    """What one worker did since it last wrote."""

    kept: Sequence[Kept] = ()
    forgotten: Sequence[str] = ()
    """Ids."""
    purges: Sequence[tuple[Selection, int]] = ()
    """With the time of each."""
    counts: Mapping[str, Counts] = {}
    """What came to be by id, since the last batch."""


class BoundSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What the bound of a team, or of an organisation that shares, has seen on a route."""

    team: str
    """Empty where teams share."""
    route: str
    bound: str
    embedder: str
    requests: int
    hits: int
    checked: int
    """Hits that a sampled check looked at, or somebody called wrong."""
    wrong: int
