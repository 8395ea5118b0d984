"""`legato digest`: the week of a team."""

from datetime import datetime
from pathlib import Path

import click

from legato.cli.options import instance_options, json_option


@click.group()
def digest() -> None:
    """Look at the weekly digests that teams get, and send one again."""


@digest.command()
@instance_options
@json_option
@click.option("--team", required=True, help="Whose week.")
@click.option("--org", default="default", show_default=True, help="The team's organisation.")
@click.option(
    "--week",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The week of this day.  [default: the last one that is over]",
)
@click.option("--html", "as_html", is_flag=True, help="Print it as HTML.")
@click.option("--send", is_flag=True, help="Have a running server send it by the team's channels.")
def show(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    team: str,
    org: str,
    week: datetime | None,
    as_html: bool,
    send: bool,
) -> None:
    """Show a team's digest; its day and time zone are those of the configuration."""
    from legato.cli.notices import digest_actions  # noqa: PLC0415 - keeps `--help` fast

    form = "html" if as_html else "json" if as_json else "text"
    day = None if week is None else week.date()
    digest_actions.show((data, config_file), (org, team), day, form=form, send=send)
