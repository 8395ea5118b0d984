"""Plans as commands and the control API make them: ledger, books, models and measurements."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from legato.app.desks.finance import finance_books
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.errors import InvalidRequest
from legato.core.price import Price
from legato.core.tenant import Reach, Tenant
from legato.economics.finance.accuracy import Tried
from legato.economics.finance.figures import Accuracy
from legato.evaluation.evaluations import Evaluations
from legato.evaluation.grid import Cell, grid_of
from legato.finance.accuracies import accuracy_of
from legato.finance.machines import Machines
from legato.finance.planning import Planning
from legato.finance.plans import ImportedOf, Plans
from legato.finance.profit import Profit
from legato.finance.spent import LedgerDays
from legato.finance.volumes import Deployed, Volumes
from legato.providers.local.measured import Measured, kept
from legato.storage.database.engine import open_engine
from legato.storage.rollups.reading import SpendReader

_NS_PER_S = 1_000_000_000
ServedNow = Callable[[], tuple[Config, Mapping[str, Price | None]]]
EvaluationsOf = Callable[[Tenant], Evaluations]


class SpeedFound(msgspec.Struct, frozen=True):
    """A kept measurement, as plans read it."""

    model: str
    told: str
    prompt_per_s: str
    generated_per_s: str


def planning(
    database_url: str,
    data: Path,
    clock: Clock,
    *,
    served: ServedNow,
    evaluations: EvaluationsOf,
    imported: ImportedOf,
) -> Planning:
    """Put it together; nothing is connected to yet."""
    engine, books = open_engine(database_url), finance_books(database_url, clock)

    def deployed() -> dict[str, Deployed]:
        return deployed_now(*served())

    def sums(reach: Reach) -> LedgerDays:
        return LedgerDays(SpendReader(engine, reach))

    return Planning(
        Plans(books, sums, clock, imported),
        Profit(books, sums, clock),
        Volumes(books, sums, clock, deployed),
        Machines(books, (sums, clock), deployed, lambda: [_speed(one) for one in kept(data)]),
        lambda tenant, wanted, scorer: evaluated(evaluations(tenant), wanted, scorer),
    )


def deployed_now(config: Config, prices: Mapping[str, Price | None]) -> dict[str, Deployed]:
    """Return what is known of each deployment."""
    local = {one.name for one in config.providers if one.kind == "local"}
    return {
        one.name: Deployed(
            model=one.model,
            price=prices.get(one.name),
            requests_per_minute=one.limits.requests_per_minute,
            tokens_per_minute=one.limits.tokens_per_minute,
            local=one.provider in local,
        )
        for one in config.deployments
    }


def evaluated(evaluations: Evaluations, wanted: str, scorer: str) -> Accuracy:
    """Return what a point costs, of a recorded evaluation; its first scorer where none is named.

    Raises:
        NotFound, Erased.
        InvalidRequest: there is no such scorer, or too little was recorded.
    """
    record = evaluations.store.get(wanted)
    plan = evaluations.plan(record)
    cells = grid_of(plan, evaluations.store.answers(record.id), {}).cells
    labels = [one.scorer for one in cells[0].ratings] if cells else []
    chosen = scorer or next(iter(labels), "")
    if chosen not in labels:
        told = f"scorer: {scorer!r} scored nothing there; known: {', '.join(labels) or 'none'}"
        raise InvalidRequest(told, param="scorer")
    tried = [one for cell in cells if (one := _tried(cell, chosen)) is not None]
    left_out = len(cells) - len(tried)
    return accuracy_of(f"evaluation {record.name or record.id}", chosen, tried, left_out)


def judged_table(path: Path, models: Sequence[str]) -> Accuracy:
    """Return what a point costs, of a table that `legato route train` reads.

    Raises:
        InvalidRequest: it can't be read, or says too little.
    """
    import numpy as np  # noqa: PLC0415 - an extra

    from legato.evaluation.routing.tables import read_table  # noqa: PLC0415 - numpy is an extra

    table = read_table(path, models)
    tried = []
    for place, name in enumerate(table.models):
        outcomes, costs = table.outcomes[:, place], table.costs[:, place]
        both = ~(np.isnan(outcomes) | np.isnan(costs))
        count = int(both.sum())
        if count:
            cost = sum(Decimal(repr(float(one))) for one in costs[both])
            score = sum(Decimal(repr(float(one))) for one in outcomes[both]) / count
            tried.append(Tried(name, count, Decimal(score), int(cost * 10**9)))
    return accuracy_of(path.name, "outcome", tried, len(table.models) - len(tried))


def _tried(cell: Cell, scorer: str) -> Tried | None:
    rating = next(one for one in cell.ratings if one.scorer == scorer)
    answers = cell.answers - cell.unpriced - cell.failed
    if rating.mean is None or answers <= 0:
        return None
    return Tried(cell.subject, answers, Decimal(repr(rating.mean)), cell.cost)


def _speed(one: Measured) -> SpeedFound:
    at = datetime.fromtimestamp(one.at_ns // _NS_PER_S, UTC)
    machine, result = one.machine, one.result
    return SpeedFound(
        one.model,
        f"legato local bench, {at:%Y-%m-%d}, {result.slots} at once, {machine.processor}, "
        f"{machine.cpus} CPUs",
        f"{result.prompt_per_s:.3f}",
        f"{result.all_slots_generation_per_s:.3f}",
    )
