"""`legato roles` and `legato can`: who may do what, where, and why."""

from typing import Any

import click

from legato.cli.options import instance_options, json_option

_ORG = click.option("--org", default="default", show_default=True, help="Whose roles.")
_SUBJECT = click.argument("subject", metavar="SUBJECT")
_WHERE = (
    click.option("--team", default="", help="Only there, not over all of the organisation."),
    click.option("--feature", default="", help="Only there; it is one of the team."),
)


@click.group()
def roles() -> None:
    """See what roles may do, give them to keys and accounts, and take them away.

    A SUBJECT is a key by its name or id, or an account by its e-mail address or as account:ID.
    """


@roles.command("list")
@instance_options
@json_option
@_ORG
def list_roles(**options: Any) -> None:
    """List the built-in roles and an organisation's own."""
    from legato.cli.governance import role_actions  # noqa: PLC0415 - keeps `--help` fast

    role_actions.list_roles(**options)


@roles.command()
@instance_options
@json_option
@_ORG
@click.argument("role")
def show(**options: Any) -> None:
    """Show what a role may do."""
    from legato.cli.governance import role_actions  # noqa: PLC0415 - keeps `--help` fast

    role_actions.show(**options)


@roles.command()
@instance_options
@_ORG
@click.option("--permission", "permissions", multiple=True, required=True, help="One of them.")
@click.option("--title", default="", help="What it is for.")
@click.argument("role")
def create(**options: Any) -> None:
    """Make a role of an organisation's own, of permissions by name."""
    from legato.cli.governance import role_actions  # noqa: PLC0415 - keeps `--help` fast

    role_actions.create(**options)


@roles.command()
@instance_options
@_ORG
@click.argument("role")
def delete(**options: Any) -> None:
    """Delete a role of an organisation's own that nobody has."""
    from legato.cli.governance import role_actions  # noqa: PLC0415 - keeps `--help` fast

    role_actions.delete(**options)


@roles.command()
@instance_options
@json_option
@click.option("--org", default=None, help="Of this organisation only.")
@click.option("--subject", default=None, help="Of this key or account only.")
def bindings(**options: Any) -> None:
    """List who has which role where."""
    from legato.cli.governance import role_actions  # noqa: PLC0415 - keeps `--help` fast

    role_actions.bindings(**options)


@roles.command()
@instance_options
@click.option("--org", default="default", show_default=True, help="Where; `*` is the instance.")
@_WHERE[0]
@_WHERE[1]
@_SUBJECT
@click.argument("role")
def bind(**options: Any) -> None:
    """Give a key or an account a role."""
    from legato.cli.governance import role_actions  # noqa: PLC0415 - keeps `--help` fast

    role_actions.bind(**options)


@roles.command()
@instance_options
@click.option("--org", default="default", show_default=True, help="Where; `*` is the instance.")
@_WHERE[0]
@_WHERE[1]
@_SUBJECT
@click.argument("role")
def unbind(**options: Any) -> None:
    """Take a role away, if it isn't the last owner's."""
    from legato.cli.governance import role_actions  # noqa: PLC0415 - keeps `--help` fast

    role_actions.unbind(**options)


@click.command()
@instance_options
@json_option
@click.option("--org", default=None, help="Over this organisation; else anywhere.")
@_WHERE[0]
@_WHERE[1]
@_SUBJECT
@click.argument("action", metavar="ACTION")
def can(**options: Any) -> None:
    """Say whether a key or an account may do something, and why. Ends with 1 where not.

    An ACTION is a permission, as control:ledger:read, or call:MODEL.
    """
    from legato.cli.governance import role_actions  # noqa: PLC0415 - keeps `--help` fast

    role_actions.can(**options)
