"""What `legato workflow calibrate` does."""

from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest
from legato.core.tenant import Tenant
from legato.judging.confidence_fit import fit_confidence
from legato.storage.agents.calibrations import Calibrations, KeptCalibration
from legato.storage.database.engine import open_engine

_OUTCOMES_MAX = 1_000_000


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the file."""

    confidence: float
    correct: bool


def calibrate(
    *,
    config_file: Path | None,
    data: Path,
    as_json: bool,
    org: str,
    author: str,
    outcomes: BinaryIO,
    name: str,
) -> None:
    """Fit, keep and tell. Raises InvalidRequest."""
    points = [(one.confidence, float(one.correct)) for one in _read(outcomes)]
    try:
        fit = fit_confidence(points)
    except ValueError as error:
        raise InvalidRequest(str(error), param="from") from None
    instance = find_instance(data, config_file)
    kept = Calibrations(open_engine(instance.database_url), SystemClock(), Tenant(org))
    kept.put(name, fit, author)
    if as_json:
        print_json(msgspec.to_builtins(fit))
        return
    click.echo(f"{name}: {fit.items} outcomes, {fit.correct} right; {fit.told}.")
    click.echo(
        f"Off by {fit.ece_stated:.3f} as stated, by {fit.ece:.3f} calibrated (ECE, out of fold);"
        f" Brier {fit.brier_stated:.3f} and {fit.brier:.3f}."
    )


def show(*, config_file: Path | None, data: Path, as_json: bool, org: str, name: str) -> None:
    """Print all, or one with its knots. Raises NotFound."""
    instance = find_instance(data, config_file)
    kept = Calibrations(open_engine(instance.database_url), SystemClock(), Tenant(org))
    found = [kept.get(name)] if name else kept.all()
    if as_json or name:
        shown = [_plain(one) for one in found]
        print_json(shown[0] if name else shown)
        return
    columns = ("name", "fitted", "by", "form", "outcomes", "right", "off as stated", "off now")
    print_table(columns, [_row(one) for one in found], numbers=columns[4:])


def _plain(one: KeptCalibration) -> dict[str, Any]:
    figures: dict[str, Any] = msgspec.to_builtins(one.fit)
    return {"name": one.name, "at": time_text(one.at_ns), "author": one.author, **figures}


def _row(one: KeptCalibration) -> tuple[str, ...]:
    fit = one.fit
    figures = (str(fit.items), str(fit.correct), f"{fit.ece_stated:.3f}", f"{fit.ece:.3f}")
    return (one.name, time_text(one.at_ns), one.author, str(fit.form), *figures)


def _read(outcomes: BinaryIO) -> list[Outcome]:
    decode = msgspec.json.Decoder(Outcome).decode
    found = []
    for number, line in enumerate(outcomes, start=1):
        if number > _OUTCOMES_MAX:
            raise InvalidRequest(f"more than {_OUTCOMES_MAX} outcomes", param="from")
        try:
            found += [decode(line)] if line.strip() else []
        except msgspec.MsgspecError as error:
            raise InvalidRequest(f"line {number}: {error}", param="from") from None
    return found
