"""What the demo did, read back from the ledger and the traces alone.

The waterfall is the product's own. Amounts are integers of nano-USD, so the parts close exactly.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil
from typing import Any, Final

import msgspec

from legato.app.desks.stored_data import StoredData
from legato.core.decisions import FROM_CACHE
from legato.core.records import EntryKind
from legato.economics.waterfall import STEPS, bars
from legato.storage.ledger.entries import EntryFilter, Row
from legato.storage.ledger.sums import SpendSum

_OK: Final = 200
_US_PER_MS: Final = 1_000


class Spread(msgspec.Struct, frozen=True):
    """Latency in ms as callers waited, nearest rank; None where nobody did."""

    p50_ms: float | None
    p95_ms: float | None


class TeamFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One team, or all of them."""

    team: str
    requests: int
    answered: int
    cache_hits: int
    fallbacks: int
    spend: SpendSum
    latency: Spread


class DeploymentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment. Answers from the cache are none of its own."""

    deployment: str
    answers: int
    failed_attempts: int
    cost: int
    latency: Spread


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the tables show."""

    teams: list[TeamFigures]
    total: TeamFigures
    deployments: list[DeploymentFigures]
    cache_latency: Spread
    bars: tuple[tuple[str, int], ...]
    """From the baselines to the spend, in nano-USD, as every savings statement has them."""
    traced_cost: int


def read_figures(stored: StoredData, since_ns: int, routes: Mapping[str, Sequence[str]]) -> Figures:
    """Read what happened since; `routes` has each alias's deployments in order.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    wanted = EntryFilter(since_ns=since_ns)
    traces = list(stored.entries().traces(since_ns))
    entries = list(stored.entries().export_rows(wanted))
    sums = stored.sums()
    total = sums.total(wanted)

    def team(name: str, spend: SpendSum, mine: list[Row]) -> TeamFigures:
        return TeamFigures(
            team=name,
            requests=len(mine),
            answered=_count(mine, lambda row: row["http_status"] == _OK),
            cache_hits=_count(mine, _is_hit),
            fallbacks=_count(mine, lambda row: _is_fallback(row, routes)),
            spend=spend,
            latency=spread(row["total_us"] for row in mine),
        )

    return Figures(
        teams=[
            team(one.group[0], one, [row for row in traces if row["team"] == one.group[0]])
            for one in sums.sum_by(["team"], wanted)
        ],
        total=team("all", total, traces),
        deployments=[
            _deployment(one, traces, entries) for one in sums.sum_by(["deployment"], wanted)
        ],
        cache_latency=spread(row["total_us"] for row in traces if _is_hit(row)),
        bars=bars(total.cost, [total.steps[name] for name in STEPS]),
        traced_cost=sum(row["cost"] or 0 for row in traces),
    )


def spread(latencies_us: Iterable[int]) -> Spread:
    """Return median and 95th percentile, each a latency that was really measured."""
    ordered = sorted(latencies_us)

    def rank(share: float) -> float | None:
        return ordered[ceil(share * len(ordered)) - 1] / _US_PER_MS if ordered else None

    return Spread(rank(0.50), rank(0.95))


def _deployment(one: SpendSum, traces: list[Row], entries: list[Row]) -> DeploymentFigures:
    name = one.group[0]
    mine = [row for row in traces if row["deployment"] == name and not _is_hit(row)]
    failed = EntryKind.RETRY.value
    return DeploymentFigures(
        deployment=name,
        answers=_count(mine, lambda row: row["http_status"] == _OK),
        failed_attempts=_count(
            entries, lambda row: row["deployment"] == name and row["kind"] == failed
        ),
        cost=one.cost,
        latency=spread(row["total_us"] for row in mine),
    )


def _is_hit(row: Row) -> bool:
    return bool(row["cache"] in FROM_CACHE)


def _is_fallback(row: Row, routes: Mapping[str, Sequence[str]]) -> bool:
    """Whether another deployment answered than the one its route prefers."""
    preferred = routes.get(row["model_requested"], ())
    return bool(
        preferred
        and row["http_status"] == _OK
        and not _is_hit(row)
        and row["deployment"] != preferred[0]
    )


def _count(rows: Iterable[Row], wanted: Callable[[Row], Any]) -> int:
    return sum(1 for row in rows if wanted(row))
