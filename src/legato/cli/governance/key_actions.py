"""What `legato keys` does."""

import secrets
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.models.vaults import open_data_keys
from legato.cli.options import print_json
from legato.cli.spans import Moment, time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.config_parts import Name, Requirements
from legato.core.errors import InvalidRequest, NotFound
from legato.core.money import amount, display_usd, exact_usd
from legato.core.networks import read_networks
from legato.core.principal import Scope, Window
from legato.routing.terms import in_words
from legato.storage.tenants.key_records import KeyBudget, KeyRecord, KeySpec
from legato.vault.master import Vault
from legato.vault.secrets import new_secret

_ID_PREFIX_MIN = 8


class WantedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `legato keys create` as they were given."""

    team: str
    feature: str
    name: str | None = None
    org: str = "default"
    models: str = "*"
    tags: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    concurrency_max: int | None = None
    budget_usd: str | None = None
    window: str = "month"
    expires: Moment | None = None
    admin: bool = False
    org_admin: bool = False
    permissions: tuple[str, ...] = ()
    require: Requirements = Requirements()
    allow_from: tuple[str, ...] = ()


class CreatedKey(msgspec.Struct, frozen=True):
    """A key that has just been stored, with its secret."""

    id: str
    name: str
    secret: str


def open_keys(data: Path, config_file: Path | None) -> Instance:
    """Find the instance whose keys are meant."""
    return find_instance(data, config_file)


def create(instance: Instance, wanted: WantedKey, *, as_json: bool) -> None:
    """Store a new key and print its secret."""
    key = create_key(instance, wanted)
    _print_secret(key.id, key.name, key.secret, as_json=as_json)


def create_key(instance: Instance, wanted: WantedKey) -> CreatedKey:
    """Store a new key; its secret is in what is returned and nowhere else.

    Raises:
        InvalidRequest: an option is not valid, or the name is taken.
    """
    spec = _spec(wanted, SystemClock().now_ns())
    secret = new_secret()
    with stored_data(instance, create=True) as stored:
        key_id = stored.keys().create(spec, digest_of(instance, stored, secret))
    return CreatedKey(key_id, spec.name, secret)


def list_keys(instance: Instance, *, as_json: bool, with_revoked: bool) -> None:
    """Print the keys, all or those in force."""
    now_ns = SystemClock().now_ns()
    with stored_data(instance) as stored:
        records = stored.keys().list()
    shown = [one for one in records if with_revoked or _state(one, now_ns) == "in force"]
    if as_json:
        print_json([_shown(record, now_ns) for record in shown])
        return
    columns = ("id", "name", "team", "feature", "models", "limits", "expires", "state")
    print_table(columns, [_row(record, now_ns) for record in shown])


def show(instance: Instance, key: str, *, as_json: bool) -> None:
    """Print everything stored of a key."""
    with stored_data(instance) as stored:
        record = find(stored.keys().list(), key)
    print_key(record, as_json=as_json)


def print_key(record: KeyRecord, *, as_json: bool) -> None:
    """Print everything stored of a key."""
    shown = _shown(record, SystemClock().now_ns())
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        click.echo(f"{name:<20} {_as_text(value)}")


def revoke(instance: Instance, key: str) -> None:
    """End a key for good."""
    with stored_data(instance) as stored:
        keys = stored.keys()
        record = find(keys.list(), key)
        keys.revoke(record.id)
    click.echo(f"{record.spec.name} ({record.id}) is revoked.")


def rotate(instance: Instance, key: str, overlap_s: int, *, as_json: bool) -> None:
    """Give a key a new secret and print it."""
    secret = new_secret()
    with stored_data(instance) as stored:
        keys = stored.keys()
        record = find(keys.list(), key)
        keys.rotate(record.id, digest_of(instance, stored, secret), overlap_s)
    _print_secret(record.id, record.spec.name, secret, as_json=as_json)


def digest_of(instance: Instance, stored: StoredData, secret: str) -> bytes:
    """Return by what a key's secret is known."""
    data_keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
    return Vault(data_keys.root()).digest(secret.encode())


def _print_secret(key_id: str, name: str, secret: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode({"id": key_id, "secret": secret}))
        return
    click.echo(f"id      {key_id}\nname    {name}\nsecret  {secret}")
    click.echo("The secret is shown only now.", err=True)


def _spec(wanted: WantedKey, now_ns: int) -> KeySpec:
    for option, text in (("team", wanted.team), ("feature", wanted.feature), ("org", wanted.org)):
        _require_name(option, text)
    name = wanted.name or f"{wanted.team}-{wanted.feature}-{secrets.token_hex(3)}"
    _require_name("name", name)
    scopes: set[str] = {Scope.CALL, *wanted.permissions}
    scopes |= {Scope.ADMIN} if wanted.admin else set()
    scopes |= {Scope.ORG_ADMIN} if wanted.org_admin else set()
    return KeySpec(
        name=name,
        team=wanted.team,
        feature=wanted.feature,
        org=wanted.org,
        scopes=frozenset(scopes),
        models=read_models(wanted.models),
        tags=read_tags(wanted.tags),
        requests_per_minute=wanted.requests_per_minute,
        concurrency_max=wanted.concurrency_max,
        budget=read_budget(wanted.budget_usd, wanted.window),
        expires_at_ns=read_end(wanted.expires, now_ns),
        require=None if wanted.require == Requirements() else wanted.require,
        allow_from=read_networks(wanted.allow_from, "allow-from"),
    )


def _require_name(option: str, text: str) -> None:
    try:
        msgspec.convert(text, Name)
    except msgspec.ValidationError:
        rule = "letters, digits and . _ : / - only, a letter or digit first, at most 128"
        raise InvalidRequest(f"--{option}: {rule}", param=option) from None


def read_models(text: str) -> frozenset[str]:
    """Return what `--models` names. Raises InvalidRequest."""
    models = frozenset(one.strip() for one in text.split(",") if one.strip())
    if not models:
        raise InvalidRequest("--models: name at least one, or * for all", param="models")
    return models


def read_end(expires: Moment | None, now_ns: int) -> int | None:
    """Return when `--expires` is. Raises InvalidRequest where that has passed."""
    expires_at_ns = expires.after(now_ns) if expires else None
    if expires_at_ns is not None and expires_at_ns <= now_ns:
        raise InvalidRequest("--expires: this time has passed", param="expires")
    return expires_at_ns


def read_tags(given: tuple[str, ...]) -> dict[str, str]:
    """Return what `--tag` gives. Raises InvalidRequest."""
    tags = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidRequest(f"--tag {text}: write NAME=VALUE", param="tag")
        tags[name] = value
    return tags


def read_budget(usd: str | None, window: str) -> KeyBudget | None:
    """Return what `--budget-usd` says. Raises InvalidRequest."""
    if usd is None:
        return None
    try:
        limit = amount(usd)
    except ValueError as error:
        raise InvalidRequest(f"--budget-usd: {error}", param="budget_usd") from None
    if limit < 0:
        raise InvalidRequest("--budget-usd: can't be negative", param="budget_usd")
    return KeyBudget(limit, Window(window))


def find(records: list[KeyRecord], wanted: str) -> KeyRecord:
    """Return the key of an id, of the beginning of one, or the newest of a name."""
    by_id = [one for one in records if one.id == wanted]
    named = [one for one in records if one.spec.name == wanted]
    begun = [one for one in records if one.id.startswith(wanted)]
    if len(wanted) < _ID_PREFIX_MIN or len(begun) > 1:
        begun = []
    found = by_id or named or begun
    if not found:
        raise NotFound(f"no key has the id or name {wanted}: see `legato keys list --all`")
    return found[-1]


def _state(record: KeyRecord, now_ns: int) -> str:
    if record.revoked_at_ns is not None:
        return "revoked"
    expires_at_ns = record.spec.expires_at_ns
    return "expired" if expires_at_ns is not None and expires_at_ns <= now_ns else "in force"


def _row(record: KeyRecord, now_ns: int) -> list[str]:
    spec = record.spec
    models = ", ".join(sorted(spec.models))
    ends = time_text(spec.expires_at_ns)
    state = _state(record, now_ns) + (" (admin)" if Scope.ADMIN in spec.scopes else "")
    return [record.id, spec.name, spec.team, spec.feature, models, _limits(spec), ends, state]


def _limits(spec: KeySpec) -> str:
    limits = []
    if spec.requests_per_minute is not None:
        limits.append(f"{spec.requests_per_minute}/min")
    if spec.concurrency_max is not None:
        limits.append(f"{spec.concurrency_max} at once")
    if spec.budget is not None:
        limits.append(f"${display_usd(spec.budget.limit)}/{spec.budget.window.value}")
    if spec.require is not None:
        limits.append(in_words(spec.require))
    if spec.allow_from:
        limits.append(f"from {', '.join(spec.allow_from)}")
    return ", ".join(limits)


def _shown(record: KeyRecord, now_ns: int) -> dict[str, Any]:
    spec = record.spec
    budget = spec.budget
    return {
        "id": record.id,
        "name": spec.name,
        "org": spec.org,
        "team": spec.team,
        "feature": spec.feature,
        "state": _state(record, now_ns),
        "source": record.source,
        "scopes": sorted(spec.scopes),
        "models": sorted(spec.models),
        "tags": spec.tags,
        "requests_per_minute": spec.requests_per_minute,
        "concurrency_max": spec.concurrency_max,
        "budget_usd": exact_usd(budget.limit) if budget else None,
        "budget_window": budget.window.value if budget else None,
        "require": None if spec.require is None else msgspec.to_builtins(spec.require),
        "allow_from": list(spec.allow_from),
        "created_at": time_text(record.created_at_ns),
        "expires_at": time_text(spec.expires_at_ns) or None,
        "revoked_at": time_text(record.revoked_at_ns) or None,
    }


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={text}" for name, text in value.items())
    return "" if value is None else str(value)
