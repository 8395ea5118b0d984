"""One request as it was recorded: its trace, what its decisions depended on, its ledger entries."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from legato.core.decisions import Decision
from legato.core.records import EntryKind
from legato.core.usage import USAGE_CLASSES, Usage

Row = Mapping[str, Any]
LOOKUP_CACHE: Final = "lookup_cache"
_RULE_TOOLS: Final = "rule_tools"
_FORBIDDEN: Final = "forbidden"


class Unreplayable(Exception):
    """A request can't be decided again; the message says why."""


class Recorded(msgspec.Struct, frozen=True):
    """What is known of a request. `entries` are those in force, by attempt; 0 is a cache hit."""

    trace: Row
    decision: Decision
    entries: Mapping[int, Row]

    @property
    def request_id(self) -> str:
        """The request's id."""
        request_id: str = self.trace["request_id"]
        return request_id

    @property
    def looked_into_cache(self) -> bool:
        """Whether the surface's stages have a cache among them."""
        return _passed(self.trace, LOOKUP_CACHE)


def recorded(trace: Row, entries: Sequence[Row]) -> Recorded:
    """Put a trace and its ledger entries together.

    Raises:
        Unreplayable: too little of it was kept, or it decided nothing.
    """
    decision: Decision | None = trace["decision"]
    if decision is None:
        msg = "no decision was recorded: an older version served it"
        raise Unreplayable(msg)
    if not decision.route:
        msg = f"refused before a route was chosen: {trace['error_code']}"
        raise Unreplayable(msg)
    if decision.operation == "count_tokens":
        msg = "it counts tokens: nothing is bought"
        raise Unreplayable(msg)
    ruled = any(rule.tools is not None for rule in decision.access)
    if trace["error_code"] == _FORBIDDEN and ruled and not _passed(trace, _RULE_TOOLS):
        msg = "refused for the tools that it declared, which are not kept"
        raise Unreplayable(msg)
    return Recorded(trace, decision, _in_force(entries))


def usage_of(entry: Row) -> Usage:
    """Return the usage of an entry."""
    return Usage(*[entry[name] for name in USAGE_CLASSES])


def _passed(trace: Row, stage: str) -> bool:
    return any(one[0] == stage for one in trace["stages"])


def _in_force(entries: Sequence[Row]) -> dict[int, Row]:
    reversed_ids = {entry["reverses_entry"] for entry in entries}
    found: dict[int, Row] = {}
    for entry in entries:
        if entry["kind"] == EntryKind.CORRECTION.value or entry["id"] in reversed_ids:
            continue
        if entry["provisional"]:
            msg = "the outcome of an attempt was lost, its entry is an estimate"
            raise Unreplayable(msg)
        found[entry["attempt"]] = entry
    return found
