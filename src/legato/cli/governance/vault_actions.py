"""What `legato vault` does."""

from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance
from legato.app.credentials import sealed
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.models.vaults import key_service, open_data_keys, rotate_master
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.config_parts import Name
from legato.core.errors import InvalidRequest
from legato.vault.data_keys import INSTANCE, DataKeys
from legato.vault.envelope import Envelopes

_SECRET_CHARS_MAX = 16_384


def open_instance(data: Path, config_file: Path | None) -> Instance:
    """Find the instance whose vault is meant."""
    return find_instance(data, config_file)


def set_credential(instance: Instance, name: str, secret: str) -> None:
    """Seal and store a credential."""
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError:
        rule = "letters, digits and . _ : / - only, a letter or digit first, at most 128"
        raise InvalidRequest(f"name: {rule}", param="name") from None
    if not secret or len(secret) > _SECRET_CHARS_MAX or not secret.isprintable():
        msg = f"the secret must be one line of 1 to {_SECRET_CHARS_MAX} printable characters"
        raise InvalidRequest(msg)
    with stored_data(instance, create=True) as stored:
        envelopes = Envelopes(_data_keys(instance, stored))
        record = stored.credentials().put(name, sealed(envelopes, name, secret))
    click.echo(f"{name} is stored, version {record.version}.")


def list_credentials(instance: Instance, *, as_json: bool) -> None:
    """Print names, versions and times of change."""
    with stored_data(instance) as stored:
        records = stored.credentials().list()
    users = _users(instance)
    if as_json:
        shown = [
            {**msgspec.structs.asdict(one), "providers": users.get(one.name, [])} for one in records
        ]
        print_json(shown)
        return
    rows = [
        [
            one.name,
            str(one.version),
            time_text(one.changed_at_ns),
            ", ".join(users.get(one.name, [])),
        ]
        for one in records
    ]
    print_table(("name", "version", "changed", "providers"), rows)


def remove(instance: Instance, name: str) -> None:
    """Forget a credential that no provider uses."""
    users = _users(instance).get(name)
    if users:
        msg = f"{name} is used by provider {', '.join(users)}: change the configuration first"
        raise InvalidRequest(msg, param="name")
    with stored_data(instance) as stored:
        stored.credentials().remove(name)
    click.echo(f"{name} is removed.")


def status(instance: Instance, *, as_json: bool) -> None:
    """Print the data keys and whether the current master key wraps them."""
    current_id = key_service(instance.loaded, instance.data).current_id
    with stored_data(instance) as stored:
        rows = stored.data_keys().all()
    shown: list[dict[str, Any]] = [
        {
            "org": row.org,
            "version": row.version,
            "id": row.id,
            "master": row.master_id,
            "current": row.master_id == current_id,
            "created": time_text(row.created_at_ns),
        }
        for row in rows
    ]
    if as_json:
        print_json({"master": current_id, "data_keys": shown})
        return
    click.echo(f"master key {current_id}")
    columns = ("org", "version", "id", "master", "created")
    texts = [
        [one["org"] or "(instance)", *(str(one[name]) for name in columns[1:])] for one in shown
    ]
    print_table(columns, texts)
    behind = sum(not one["current"] for one in shown)
    if behind:
        click.echo(f"{behind} are wrapped under another master key: run `legato vault rotate`.")


def rotate_master_key(instance: Instance) -> None:
    """Re-wrap every data key."""
    with stored_data(instance) as stored:
        data_keys = _data_keys(instance, stored)
        data_keys.root()
        rewrapped = rotate_master(instance.loaded, instance.data, data_keys)
    current_id = key_service(instance.loaded, instance.data).current_id
    click.echo(f"{rewrapped} data keys are wrapped anew; the master key is {current_id}.")


def rotate_data_key(instance: Instance, org: str | None) -> None:
    """Add a version to a data key."""
    with stored_data(instance) as stored:
        data_keys = _data_keys(instance, stored)
        if org is not None and not stored.data_keys().of(org):
            raise InvalidRequest(f"no data key belongs to an organisation {org}", param="org")
        key = data_keys.rotate(org or INSTANCE)
    click.echo(f"The data key of {org or 'the instance'} is at version {key.version}.")


def destroy(instance: Instance, org: str, by: str | None) -> None:
    """Destroy an organisation's data keys."""
    if org == INSTANCE:
        raise InvalidRequest("the instance's own data key can't be destroyed", param="org")
    with stored_data(instance) as stored:
        gone = stored.data_keys().destroy(org, operator(by), SystemClock().now_ns())
    if not gone:
        raise InvalidRequest(f"no data key belongs to an organisation {org}", param="org")
    click.echo(
        f"{gone} data keys of {org} are destroyed: what they sealed can't be read any more, within "
        "two seconds by no process.\nA backup of the database still holds them, wrapped: delete "
        "it, or rotate the master key (legato vault rotate) and delete the old one."
    )


def _data_keys(instance: Instance, stored: StoredData) -> DataKeys:
    return open_data_keys(instance.loaded, instance.data, stored.data_keys())


def _users(instance: Instance) -> dict[str, list[str]]:
    """Return the providers that use each credential."""
    users: dict[str, list[str]] = {}
    for provider in instance.loaded.config.providers:
        if provider.api_key is not None and provider.api_key.vault is not None:
            users.setdefault(provider.api_key.vault, []).append(provider.name)
    return users
