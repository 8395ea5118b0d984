"""What would have to change for an environment to be as documents say; decides, changes nothing."""

from collections.abc import Mapping, Sequence

import msgspec

from legato.core.registry import KEPT_APART, ObjectName
from legato.storage.registry.records import Details, LabelRecord


class Wanted(msgspec.Struct, frozen=True):
    """A document, with the digest its content has."""

    name: ObjectName
    digest: str
    labels: tuple[str, ...]
    details: Details


class PlannedMove(msgspec.Struct, frozen=True):
    """A label that would move; "" for a digest where there is none."""

    name: ObjectName
    label: str
    from_digest: str
    to_digest: str


class Plan(msgspec.Struct, frozen=True):
    """The changes, in the order of names."""

    versions: tuple[Wanted, ...]
    """Content that isn't kept yet."""
    moves: tuple[PlannedMove, ...]
    described: tuple[ObjectName, ...]
    """Objects whose owner, escalation or description would change."""

    @property
    def empty(self) -> bool:
        """Whether everything is as it should be."""
        return not (self.versions or self.moves or self.described)


class Present(msgspec.Struct, frozen=True):
    """What is there of an environment."""

    labels: Sequence[LabelRecord]
    digests: Mapping[ObjectName, frozenset[str]]
    """Of the objects that are wanted: which content is kept."""
    details: Mapping[ObjectName, Details]


def plan(wanted: Sequence[Wanted], present: Present) -> Plan:
    """Compare. Labels that no document has would be taken away: the documents are all there is.

    Only data sets stay without a document: their cases come by an import, not from a directory.
    """
    named = {one.name for one in wanted}
    pointed = {
        (one.name, one.label): one.digest
        for one in present.labels
        if one.name in named or one.name.kind not in KEPT_APART
    }
    aims = {(one.name, label): one.digest for one in wanted for label in one.labels}
    moves = [
        PlannedMove(name, label, pointed.get((name, label), ""), aims.get((name, label), ""))
        for name, label in sorted({*pointed, *aims})
    ]
    nowhere: frozenset[str] = frozenset()
    return Plan(
        versions=tuple(
            one for one in wanted if one.digest not in present.digests.get(one.name, nowhere)
        ),
        moves=tuple(one for one in moves if one.from_digest != one.to_digest),
        described=tuple(
            sorted({one.name for one in wanted if _differs(one, present.details.get(one.name))})
        ),
    )


def _differs(wanted: Wanted, there: Details | None) -> bool:
    return there is not None and wanted.details != there
