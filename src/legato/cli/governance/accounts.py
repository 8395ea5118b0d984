"""`legato accounts`: people and machines that administer Legato, and how they sign in."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import data_option, instance_options, json_option

_ACCOUNT = click.argument("account", metavar="ID|EMAIL|NAME")


@click.group()
def accounts() -> None:
    """Create, list, disable and unlock accounts, give them passwords, end their sessions."""


@accounts.command()
@instance_options
@json_option
@click.argument("email", required=False)
@click.option("--service", metavar="NAME", help="A machine's instead, which has tokens only.")
@click.option("--name", default="", help="What the person is called.")
@click.option("--org", default="default", show_default=True, help="Its organisation.")
@click.option("--role", "roles", multiple=True, help="What it may do; may be repeated.")
@click.option("--instance", is_flag=True, help="The roles hold for the whole instance.")
@click.option("--team", default="", help="The roles hold for this team only.")
@click.option("--password", is_flag=True, help="Ask for a password now instead of inviting.")
def create(config_file: Path | None, data: Path, **options: Any) -> None:
    """Create an account; a person's invitation is printed, this once."""
    from legato.cli.governance import account_actions  # noqa: PLC0415 - keeps `--help` fast

    if (options["email"] is None) == (options["service"] is None):
        raise click.UsageError("give an e-mail address, or --service NAME")
    account_actions.create(data, config_file, account_actions.WantedAccount(**options))


@accounts.command()
@data_option
@click.option("--url", help="Where.  [default: the server that runs in the data directory]")
@click.option("--as", "login", metavar="LOGIN", help="Take it with this account, which one has.")
def join(data: Path, url: str | None, login: str | None) -> None:
    """Use an invitation that one was given: choose the password to sign in with.

    It asks for the invitation and the password, or reads a line of standard input for each.
    """
    from legato.cli.governance import joining  # noqa: PLC0415

    joining.join(data, url, login)


@accounts.command("list")
@instance_options
@json_option
@click.option("--org", help="Only this organisation's.  [default: all]")
@click.option("--all", "with_ended", is_flag=True, help="Disabled and erased ones too.")
def list_accounts(config_file: Path | None, data: Path, **options: Any) -> None:
    """List accounts."""
    from legato.cli.governance import account_actions  # noqa: PLC0415

    account_actions.list_accounts(data, config_file, **options)


@accounts.command()
@instance_options
@json_option
@_ACCOUNT
def show(config_file: Path | None, data: Path, account: str, *, as_json: bool) -> None:
    """Show one account with its roles."""
    from legato.cli.governance import account_actions  # noqa: PLC0415

    account_actions.show(data, config_file, account, as_json=as_json)


@accounts.command()
@instance_options
@_ACCOUNT
def disable(config_file: Path | None, data: Path, account: str) -> None:
    """Let nobody in by it from now on; sessions end, tokens rest."""
    from legato.cli.governance import account_actions  # noqa: PLC0415

    account_actions.disable(data, config_file, account)


@accounts.command()
@instance_options
@_ACCOUNT
def enable(config_file: Path | None, data: Path, account: str) -> None:
    """Let it in again."""
    from legato.cli.governance import account_actions  # noqa: PLC0415

    account_actions.enable(data, config_file, account)


@accounts.command()
@instance_options
@_ACCOUNT
def unlock(config_file: Path | None, data: Path, account: str) -> None:
    """Look at its next attempt to sign in at once, whatever failed before."""
    from legato.cli.governance import account_actions  # noqa: PLC0415

    account_actions.unlock(data, config_file, account)


@accounts.command()
@instance_options
@_ACCOUNT
@click.option("--invite", is_flag=True, help="Print a token by which the person chooses it.")
def password(config_file: Path | None, data: Path, account: str, *, invite: bool) -> None:
    """Give a person another password, asked for here; all sessions end."""
    from legato.cli.governance import account_actions  # noqa: PLC0415

    account_actions.password(data, config_file, account, invite=invite)


@accounts.command()
@instance_options
@json_option
@_ACCOUNT
@click.option("--end", metavar="ID|all", help="End this session, or all.")
def sessions(config_file: Path | None, data: Path, account: str, **options: Any) -> None:
    """List an account's sessions, or end them."""
    from legato.cli.governance import account_actions  # noqa: PLC0415

    account_actions.sessions(data, config_file, account, **options)
