"""What `legato tokens` does."""

from pathlib import Path
from typing import Any, NamedTuple

import click

from legato.app.checks.instance import find_instance
from legato.app.desks.identity import identity_of
from legato.app.desks.stored_data import stored_data
from legato.cli.governance.account_actions import find
from legato.cli.options import print_json
from legato.cli.spans import Moment, time_text
from legato.cli.tables import print_table
from legato.core.permission import Permission
from legato.core.tenant import EVERY_TENANT
from legato.identity.enrolling import WantedToken, make_token
from legato.storage.identity.records import Token


class Wanted(NamedTuple):
    """The options of `legato tokens create` as they were given."""

    name: str
    expires: Moment
    permissions: tuple[str, ...]


def create(
    data: Path, config_file: Path | None, account: str, wanted: Wanted, *, as_json: bool
) -> None:
    """Store a token and print its secret."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        rooms = identity_of(instance, stored)
        new = WantedToken(
            name=wanted.name,
            expires_at_ns=wanted.expires.after(rooms.now_ns()),
            permissions=frozenset(Permission(one) for one in wanted.permissions),
        )
        made, secret = make_token(rooms, EVERY_TENANT, find(rooms, account), new)
    if as_json:
        print_json({"id": made.id, "secret": secret})
        return
    click.echo(f"id       {made.id}\nexpires  {time_text(made.expires_at_ns)}\nsecret   {secret}")
    click.echo("The secret is shown only now.", err=True)


def list_tokens(data: Path, config_file: Path | None, account: str, *, as_json: bool) -> None:
    """Print an account's tokens."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        rooms = identity_of(instance, stored)
        found = rooms.tokens(EVERY_TENANT).list(find(rooms, account).id)
    shown = [_shown(one) for one in found]
    if as_json:
        print_json(shown)
        return
    columns = ("id", "name", "permissions", "expires_at", "used_at", "revoked_at")
    print_table(columns, [[str(one[name]) for name in columns] for one in shown])


def revoke(data: Path, config_file: Path | None, account: str, token: str) -> None:
    """End a token."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        rooms = identity_of(instance, stored)
        rooms.tokens(EVERY_TENANT).revoke(find(rooms, account).id, token)
    click.echo("revoked")


def _shown(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "permissions": " ".join(sorted(token.permissions)) or "all",
        "created_at": time_text(token.created_at_ns),
        "expires_at": time_text(token.expires_at_ns),
        "used_at": time_text(token.used_at_ns),
        "revoked_at": time_text(token.revoked_at_ns),
    }
