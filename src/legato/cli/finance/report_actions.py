"""What `legato report` does."""

from collections.abc import Sequence
from pathlib import Path

import click

from legato.cli.finance.report_desk import opened_reports
from legato.cli.spend.ledger_export import whole_file
from legato.core.errors import InvalidRequest
from legato.finance.plans import Asked, assumed
from legato.reporting.wanted import FORMS, Form, Kind, Wanted


def write(
    *,
    data: Path,
    config_file: Path | None,
    org: str,
    period: str,
    assume: Sequence[str],
    currency: str | None,
    out: Path,
    kind: Kind,
) -> None:
    """Write a report to a file."""
    wanted = Wanted(
        kind=kind,
        form=_form(out),
        org=org,
        period=period,
        plan=Asked(assume=assumed(assume)),
        currency=currency,
    )
    with opened_reports((data, config_file)) as desk:
        made = desk.make(wanted)
    with whole_file(out) as file:
        file.write(made.document)
    click.echo(f"{out}: sha256 {made.digest}, event {made.event} of the audit log")


def review(*, data: Path, config_file: Path | None, org: str, month: str, out: Path | None) -> None:
    """Write a month's review to a file, or print it."""
    form: Form = "md" if out is None else _form(out)
    wanted = Wanted(kind="review", form=form, org=org, period=month)
    with opened_reports((data, config_file)) as desk:
        made = desk.make(wanted)
    if out is None:
        click.echo(made.document.decode(), nl=False)
        return
    with whole_file(out) as file:
        file.write(made.document)
    click.echo(f"{out}: sha256 {made.digest}, event {made.event} of the audit log")


def _form(out: Path) -> Form:
    for form in FORMS:
        if out.suffix == f".{form}":
            return form
    endings = ", ".join(f".{form}" for form in FORMS)
    raise InvalidRequest(f"--out: {out.name} must end in one of {endings}", param="out")
