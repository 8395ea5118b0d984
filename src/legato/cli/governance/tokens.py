"""`legato tokens`: what scripts and machines come to the control API with."""

from pathlib import Path

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import Moment, moment
from legato.core.permission import Permission

_ACCOUNT = click.argument("account", metavar="ID|EMAIL|NAME")


@click.group()
def tokens() -> None:
    """Create, list and revoke tokens of accounts. They administer; they call no models."""


@tokens.command()
@instance_options
@json_option
@_ACCOUNT
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--expires",
    type=moment,
    default="30d",
    show_default=True,
    help="A span from now (30d) or a time (2026-08-06).",
)
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    type=click.Choice([one.value for one in Permission]),
    metavar="NAME",
    help="One thing it may do, as far as the account may.  [default: all that it may]",
)
def create(
    config_file: Path | None,
    data: Path,
    account: str,
    *,
    as_json: bool,
    name: str,
    expires: Moment,
    permissions: tuple[str, ...],
) -> None:
    """Create a token and print its secret, this once; only a keyed hash of it is kept."""
    from legato.cli.governance import token_actions  # noqa: PLC0415 - keeps `--help` fast

    wanted = token_actions.Wanted(name, expires, permissions)
    token_actions.create(data, config_file, account, wanted, as_json=as_json)


@tokens.command("list")
@instance_options
@json_option
@_ACCOUNT
def list_tokens(config_file: Path | None, data: Path, account: str, *, as_json: bool) -> None:
    """List an account's tokens, newest first."""
    from legato.cli.governance import token_actions  # noqa: PLC0415

    token_actions.list_tokens(data, config_file, account, as_json=as_json)


@tokens.command()
@instance_options
@_ACCOUNT
@click.argument("token", metavar="ID")
def revoke(config_file: Path | None, data: Path, account: str, token: str) -> None:
    """End a token for good."""
    from legato.cli.governance import token_actions  # noqa: PLC0415

    token_actions.revoke(data, config_file, account, token)
