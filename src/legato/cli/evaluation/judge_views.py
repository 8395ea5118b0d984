"""How far judges agree with people, as tables."""

from collections.abc import Iterator
from typing import Final

import click

from legato.cli.tables import print_table
from legato.judging.labels import Agreement, CriterionAgreement, Record
from legato.judging.preferences import Preferences
from legato.judging.resampling import Estimate

_COLUMNS: Final = (
    "criterion", "between", "items", "pairs", "equal", "kappa", "weighted kappa", "spearman",
    "alpha",
)  # fmt: skip


def agreement_page(record: Record) -> None:
    """Print a record: agreement by criterion, where levels differ, what calibration did."""
    click.echo(
        f"{record.items} labelled items judged, {record.unjudged} left unjudged, "
        f"{record.labellers} people"
    )
    rows = [row for one in record.criteria for row in _rows(one)]
    print_table(_COLUMNS, rows, numbers=_COLUMNS[2:])
    for one in record.criteria:
        _confusion(one)
    calibration = record.calibration
    error = "" if calibration.error is None else f", mean squared error {calibration.error:.4f}"
    click.echo(f"calibration: {calibration.told}{error}, gain {shown_estimate(calibration.gain)}")


def preference_lines(found: Preferences, cost: str) -> Iterator[str]:
    """Yield what many comparisons came to."""
    yield f"{found.pairs} pairs judged, {found.unjudged} left unjudged, for ${cost}"
    yield f"won {found.wins}, tied {found.ties}, lost {found.losses}"
    yield f"win rate       {shown_estimate(found.win_rate)}  (a tie is half a win)"
    yield f"position bias  {shown_estimate(found.position_bias)}  (1: always the first)"
    yield f"same verdict in both orders  {shown_estimate(found.consistent)}"


def shown_estimate(one: Estimate) -> str:
    """Return a figure with its interval."""
    if one.value is None:
        return "-"
    interval = "" if one.low is None or one.high is None else f" [{one.low:.2f}, {one.high:.2f}]"
    return f"{one.value:.2f}{interval}"


def _rows(one: CriterionAgreement) -> Iterator[list[str]]:
    yield _row(one.name, "judge and people", one.judge, "")
    yield _row("", "people", one.people, shown_estimate(one.alpha))


def _row(name: str, between: str, found: Agreement, alpha: str) -> list[str]:
    figures = (found.exact, found.kappa, found.weighted_kappa, found.spearman)
    return [
        name, between, str(found.items), str(found.pairs), *map(shown_estimate, figures), alpha,
    ]  # fmt: skip


def _confusion(one: CriterionAgreement) -> None:
    judged = sorted({level for _, level, _ in one.confusion})
    people = sorted({level for level, _, _ in one.confusion})
    counts = {(said, level): count for said, level, count in one.confusion}
    columns = [f"{one.name}: people", *[f"judge {level:g}" for level in judged]]
    rows = [[f"{said:g}", *[str(counts.get((said, level), 0)) for level in judged]]
            for said in people]  # fmt: skip
    print_table(columns, rows, numbers=columns[1:])
