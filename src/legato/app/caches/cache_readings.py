"""What the bounds of the semantic cache stand at, as gauges."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from legato.core.config_cache import SemanticCache
from legato.gateway.semantic.bounds import embedder_of, seen_in, settings_of
from legato.matching.bound import OnlineBound
from legato.matching.tally import Tally
from legato.telemetry.families import Key
from legato.telemetry.metrics import Reading

_LABELS = ("route", "bound")


def cache_readings(said: SemanticCache, embedder: str, folder: Path) -> list[Reading]:
    """Return gauges of what workers left in a folder with this embedder. Raises OSError."""
    seen = {name: some for name, some in seen_in(folder).items() if embedder_of(name) == embedder}
    return bound_readings(said, seen)


def bound_readings(said: SemanticCache, seen: Mapping[str, Mapping[bytes, Tally]]) -> list[Reading]:
    """Return gauges by route and its bound: sums of all teams, but the greatest share spent."""
    requests, hits, wrong, spent = (defaultdict[Key, float](float) for _ in range(4))
    for name, tallies in seen.items():
        bound = OnlineBound(settings_of(name, said.check_share))
        bound.absorb(tallies)
        for scope, tally in tallies.items():
            key = (scope.decode().rpartition("\x1f")[2], name.partition("/")[0])
            reckoned, share = bound.reckoned(scope)
            requests[key] += tally.requests
            hits[key] += tally.hits
            wrong[key] += reckoned
            spent[key] = max(spent[key], share)
    return [
        Reading(
            "legato_semantic_bound_requests",
            "Requests that a bound decided over",
            _LABELS,
            requests,
        ),
        Reading("legato_semantic_bound_hits", "Hits among them", _LABELS, hits),
        Reading(
            "legato_semantic_bound_wrong",
            "Wrong hits that a bound reckons with",
            _LABELS,
            wrong,
        ),
        Reading(
            "legato_semantic_bound_spent_share",
            "How much of a bound these take, of the team with the most",
            _LABELS,
            spent,
        ),
    ]
