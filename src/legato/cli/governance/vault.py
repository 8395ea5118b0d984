"""`legato vault`: provider credentials sealed at rest, and the keys that seal."""

import sys
from pathlib import Path

import click

from legato.cli.options import instance_options, json_option

_NAME = click.argument("name")


@click.group()
def vault() -> None:
    """Keep provider credentials; rotate the keys. A running server follows in two seconds."""


@vault.command("set")
@instance_options
@_NAME
def set_credential(config_file: Path | None, data: Path, name: str) -> None:
    """Store a credential, new or changed: from a prompt, or one line of standard input.

    A provider uses it by `api_key: {vault: NAME}`.
    """
    from legato.cli.governance import vault_actions  # noqa: PLC0415 - keeps `--help` fast

    if sys.stdin.isatty():
        secret = click.prompt(f"Secret of {name}", hide_input=True, confirmation_prompt=True)
    else:
        secret = sys.stdin.readline().rstrip("\r\n")
    vault_actions.set_credential(vault_actions.open_instance(data, config_file), name, secret)


@vault.command("list")
@instance_options
@json_option
def list_credentials(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """List the credentials by name, never their secrets."""
    from legato.cli.governance import vault_actions  # noqa: PLC0415

    instance = vault_actions.open_instance(data, config_file)
    vault_actions.list_credentials(instance, as_json=as_json)


@vault.command()
@instance_options
@_NAME
def remove(config_file: Path | None, data: Path, name: str) -> None:
    """Forget a credential; refused while the configuration names it."""
    from legato.cli.governance import vault_actions  # noqa: PLC0415

    vault_actions.remove(vault_actions.open_instance(data, config_file), name)


@vault.command()
@instance_options
@json_option
def status(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Show the data keys, and under which master key each is wrapped."""
    from legato.cli.governance import vault_actions  # noqa: PLC0415

    vault_actions.status(vault_actions.open_instance(data, config_file), as_json=as_json)


@vault.command()
@instance_options
@click.option("--data-key", is_flag=True, help="Rotate a data key instead of the master key.")
@click.option("--org", help="Whose data key.  [default: the instance's own]")
def rotate(config_file: Path | None, data: Path, *, data_key: bool, org: str | None) -> None:
    """Rotate the master key: every data key is wrapped anew, stored data stays as it is.

    With --data-key, a new version of one data key seals from now on; what older versions sealed
    stays readable.
    """
    from legato.cli.governance import vault_actions  # noqa: PLC0415

    instance = vault_actions.open_instance(data, config_file)
    if org is not None and not data_key:
        raise click.UsageError("--org belongs to --data-key: there is one master key for all")
    if data_key:
        vault_actions.rotate_data_key(instance, org)
    else:
        vault_actions.rotate_master_key(instance)


@vault.command()
@instance_options
@click.option("--org", required=True, help="Whose data keys.")
@click.option("--confirm", help="The organisation's name again.")
@click.option("--by", help="Who asks for it.  [default: this user]")
def destroy(
    config_file: Path | None, data: Path, *, org: str, confirm: str | None, by: str | None
) -> None:
    """Destroy an organisation's data keys: nobody can read what they sealed, ever.

    Captures, kept responses, files, batches, data sets, evaluations, reviews, texts of feedback and
    the registry's versions. The ledger stays. What comes later is sealed under a new key.
    """
    from legato.cli.governance import vault_actions  # noqa: PLC0415

    if confirm != org:
        raise click.UsageError(f"nothing can undo this: say --confirm {org} to go on")
    vault_actions.destroy(vault_actions.open_instance(data, config_file), org, by)
