"""Keeps what stands for redacted values, where a policy says so; nothing else of it is stored."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from legato.core.kept_maps import MapHead, Values
from legato.guardrails.redaction.standing import Index

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.guards.sampling import Sampler
    from legato.guardrails.policy.deciding import Hit, Verdict

_NS_PER_DAY: Final = 86_400_000_000_000


class MapOffer(msgspec.Struct, frozen=True, gc=False):
    """A map on its way to be sealed and stored."""

    head: MapHead
    values: Values


Take = Callable[[MapOffer], None]
"""Takes a map, off the event loop; never waits."""


class Keepers(NamedTuple):
    """What takes what is kept of guarded calls; None where nothing is."""

    sampler: "Sampler | None" = None
    take_map: Take | None = None


def keep_map(call: "Call", verdict: "Verdict", take: Take) -> None:
    """Hand over the values that keeping policies redacted in a call.

    Where several keep them, the shortest time holds, and only keys that all of them name may read.
    """
    redaction = call.redaction
    if redaction is None or not call.caller.live:
        return
    found = {_text(hit): "" for hit in verdict.kept}
    index = Index(found)  # of values that are more than what was found: several, grown together
    values = {
        standing: value
        for standing, value in redaction.values.items()
        if value in found or any(index.found_in(value))
    }
    if not values:
        return
    terms = [one for hit in verdict.kept if (one := hit.policy.setting.redaction.keep) is not None]
    named = [frozenset(one.who) for one in terms if one.who is not None]
    days = min(one.retention_days for one in terms)
    head = MapHead(
        org=call.caller.org,
        request_id=call.request_id,
        end_user=call.user,
        at_ns=call.arrived_ns,
        expires_at_ns=call.arrived_ns + days * _NS_PER_DAY,
        policies=tuple(dict.fromkeys(hit.policy.version for hit in verdict.kept)),
        who=tuple(sorted(frozenset.intersection(*named))) if named else None,
        count=len(values),
    )
    take(MapOffer(head, values))


def _text(hit: "Hit") -> str:
    return hit.piece.text[max(hit.piece.lead, hit.finding.start) : hit.finding.end]
