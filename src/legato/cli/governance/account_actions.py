"""What `legato accounts` does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.api.control.services import RoleStores
from legato.app.checks.instance import find_instance
from legato.app.desks.identity import identity_of
from legato.app.desks.roles import role_stores
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.errors import NotFound
from legato.core.roles import EVERY_ORG
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.identity import enrolling
from legato.identity.passwords import require_good
from legato.identity.principals import PERSON
from legato.identity.rooms import Rooms
from legato.identity.signing_in import SigningIn
from legato.identity.vouching import OPERATOR
from legato.storage.identity.records import Account
from legato.storage.tenants.roles import Binding, NewBinding

_PAGE: Final = 500
_ID_PREFIX_MIN: Final = 8
_OPERATOR: Final = "operator"
_ENDED: Final = frozenset({"disabled", "erased"})


class WantedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `legato accounts create` as they were given."""

    email: str | None
    service: str | None
    name: str
    org: str
    roles: tuple[str, ...]
    instance: bool
    team: str
    password: bool
    as_json: bool


def create(data: Path, config_file: Path | None, wanted: WantedAccount) -> None:
    """Store an account with its roles, and print what its person begins with."""
    with _opened(data, config_file, create=True) as (rooms, roles):
        for role in wanted.roles:  # before anything is stored
            roles.custom(Tenant(wanted.org)).permissions(role)
        chosen = _asked_password(wanted.email or "", wanted.name) if wanted.password else ""
        enrolled = enrolling.Enrolled(
            org=wanted.org,
            kind="person" if wanted.service is None else "service",
            email=wanted.email or "",
            name=wanted.service or wanted.name,
        )
        account = enrolling.enrol(rooms, EVERY_TENANT, enrolled)
        for role in wanted.roles:
            org = EVERY_ORG if wanted.instance else wanted.org
            binding = NewBinding(
                subject_kind=PERSON, subject_id=account.id, role=role, org=org, team=wanted.team
            )
            roles.bindings(EVERY_TENANT).bind(binding, _OPERATOR)
        invitation = ""
        if chosen:
            hashed = rooms.passwords.hash(chosen)
            rooms.accounts(EVERY_TENANT).set_password(account.id, hashed, by=OPERATOR)
        elif account.kind == "person" and rooms.config.passwords:
            invitation = enrolling.invite(rooms, EVERY_TENANT, account.id, by=OPERATOR)
    if wanted.as_json:
        print_json({"id": account.id, "invitation": invitation or None})
        return
    click.echo(f"id          {account.id}")
    if invitation:
        click.echo(f"invitation  {invitation}")
        if url := rooms.config.external_url:
            click.echo(f"link        {url}/ui/invitation#{invitation}")
        click.echo("It is shown only now; with it the person chooses a password.", err=True)


def list_accounts(
    data: Path, config_file: Path | None, *, org: str | None, as_json: bool, with_ended: bool
) -> None:
    """Print accounts in the order they were made."""
    with _opened(data, config_file) as (rooms, _):
        found = list(_all(rooms, org))
    shown = [one for one in found if with_ended or one.state not in _ENDED]
    if as_json:
        print_json([_shown(one) for one in shown])
        return
    columns = ("id", "who", "org", "kind", "state", "by", "signed in")
    print_table(columns, [_row(one) for one in shown])


def show(data: Path, config_file: Path | None, account: str, *, as_json: bool) -> None:
    """Print everything stored of an account but its password's hash."""
    with _opened(data, config_file) as (rooms, roles):
        found = find(rooms, account)
        bound = roles.bindings(EVERY_TENANT).page(_PAGE, subject=(PERSON, found.id))
    shown = {**_shown(found), "roles": [_role(one) for one in bound]}
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        text = "; ".join(value) if isinstance(value, list) else value
        click.echo(f"{name:<14} {text}")


def disable(data: Path, config_file: Path | None, account: str) -> None:
    """Let nobody in by it."""
    with _opened(data, config_file) as (rooms, _):
        rooms.accounts(EVERY_TENANT).disable(find(rooms, account).id)
    click.echo("disabled")


def enable(data: Path, config_file: Path | None, account: str) -> None:
    """Let it in again."""
    with _opened(data, config_file) as (rooms, _):
        state = rooms.accounts(EVERY_TENANT).enable(find(rooms, account).id).state
    click.echo(state)


def unlock(data: Path, config_file: Path | None, account: str) -> None:
    """Forget what failed."""
    with _opened(data, config_file) as (rooms, _):
        SigningIn(rooms).unlock(find(rooms, account))
    click.echo("unlocked")


def password(data: Path, config_file: Path | None, account: str, *, invite: bool) -> None:
    """Give a person another password, or the token to choose one."""
    with _opened(data, config_file) as (rooms, _):
        found = find(rooms, account)
        if invite:
            click.echo(enrolling.invite(rooms, EVERY_TENANT, found.id, by=OPERATOR))
            return
        chosen = _asked_password(found.email, found.name)
        hashed = rooms.passwords.hash(chosen)
        rooms.accounts(EVERY_TENANT).set_password(found.id, hashed, by=OPERATOR)
    click.echo("changed; all sessions have ended")


def sessions(
    data: Path, config_file: Path | None, account: str, *, as_json: bool, end: str | None
) -> None:
    """Print an account's sessions, newest first, or end them."""
    with _opened(data, config_file) as (rooms, _):
        store, found = rooms.sessions(EVERY_TENANT), find(rooms, account)
        if end is not None:
            ended = store.end(found.id, None if end == "all" else end)
            click.echo(f"ended {ended}")
            return
        rows = store.list(found.id)
    if as_json:
        shown = [msgspec.structs.asdict(one) for one in rows]
        print_json([{k: v for k, v in one.items() if k != "sealed"} for one in shown])
        return
    columns = ("id", "began", "last used", "ends", "address", "by")
    lines = [
        (
            one.id,
            time_text(one.created_at_ns),
            time_text(one.used_at_ns),
            time_text(one.ends_at_ns),
            one.address,
            one.provider or "password",
        )
        for one in rows
    ]
    print_table(columns, lines)


def find(rooms: Rooms, named: str) -> Account:
    """Return the account of an id (or its beginning), an e-mail address or a service's name.

    Raises:
        NotFound: there is none, or several.
    """
    accounts = rooms.accounts(EVERY_TENANT)
    by_login = accounts.find(named)
    if by_login is not None:
        return by_login
    found = [
        one
        for one in _all(rooms, None)
        if (one.kind == "service" and one.name == named)
        or (len(named) >= _ID_PREFIX_MIN and one.id.startswith(named))
    ]
    if len(found) != 1:
        word = "several accounts are" if found else "no account is"
        raise NotFound(f"{word} called {named}; `legato accounts list` shows their ids")
    return found[0]


@contextmanager
def _opened(
    data: Path, config_file: Path | None, *, create: bool = False
) -> Iterator[tuple[Rooms, RoleStores]]:
    instance = find_instance(data, config_file)
    with stored_data(instance, create=create) as stored:
        yield identity_of(instance, stored), role_stores(instance.database_url, SystemClock())


def _all(rooms: Rooms, org: str | None) -> Iterator[Account]:
    store, after = rooms.accounts(EVERY_TENANT if org is None else Tenant(org)), ""
    while rows := store.page(_PAGE, after):
        yield from rows
        after = rows[-1].id


def _asked_password(email: str, name: str) -> str:
    """Ask at the terminal, twice; where there is none, read one line."""
    if sys.stdin.isatty():
        chosen: str = click.prompt("password", hide_input=True, confirmation_prompt=True)
    else:
        chosen = sys.stdin.readline().rstrip("\n")
    require_good(chosen, email=email, name=name)
    return chosen


def _shown(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "org": account.org,
        "kind": account.kind,
        "login": account.login,
        "email": account.email,
        "name": account.name,
        "state": account.state,
        "provider": account.provider,
        "vouched_by": account.vouched_by,
        "created_at": time_text(account.created_at_ns),
        "signed_in_at": time_text(account.signed_in_at_ns),
    }


def _row(account: Account) -> tuple[str, ...]:
    by = account.provider or ("password" if account.password else "")
    return (
        account.id,
        account.name if account.kind == "service" else account.login,
        account.org,
        account.kind,
        account.state,
        by,
        time_text(account.signed_in_at_ns),
    )


def _role(binding: Binding) -> str:
    where = [binding.org, binding.team, binding.feature]
    return f"{binding.role} in {'/'.join(part for part in where if part)}"
