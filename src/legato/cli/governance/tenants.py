"""`legato tenants`: organisations, their teams, and the features of those."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option

_NAME = click.argument("name")
_ORG = click.option("--org", default=None, help="The organisation that it is of.")
_TEAM = click.option("--team", default=None, help="The team that it is of, with --org.")


@click.group()
def tenants() -> None:
    """Make organisations, teams and features, and list them.

    Names stand in keys and in the ledger and never change; titles may.
    """


@tenants.command("list")
@instance_options
@json_option
@click.option("--org", default=None, help="This organisation only.")
def list_(data: Path, config_file: Path | None, org: str | None, *, as_json: bool) -> None:
    """List all of them."""
    from legato.cli.governance import tenant_actions  # noqa: PLC0415 - keeps `--help` fast

    tenant_actions.list_tenants((data, config_file), org, as_json=as_json)


@tenants.command()
@instance_options
@_ORG
@_TEAM
@click.option("--title", default="", help="What people are shown beside the name.")
@_NAME
def create(*, title: str, **options: Any) -> None:
    """Make an organisation; with --org a team of one; with --team, too, a feature."""
    from legato.cli.governance import tenant_actions  # noqa: PLC0415 - keeps `--help` fast

    tenant_actions.create(title=title, **options)


@tenants.command()
@instance_options
@_ORG
@_TEAM
@_NAME
@click.argument("title")
def title(*, title: str, **options: Any) -> None:
    """Change what people are shown beside a name."""
    from legato.cli.governance import tenant_actions  # noqa: PLC0415 - keeps `--help` fast

    tenant_actions.retitle(title=title, **options)
