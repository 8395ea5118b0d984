"""What `legato keys change` does."""

from typing import Any

import msgspec
from msgspec.structs import replace

from legato.app.checks.instance import Instance
from legato.app.desks.stored_data import stored_data
from legato.cli.governance.key_actions import (
    find,
    print_key,
    read_budget,
    read_end,
    read_models,
    read_tags,
)
from legato.cli.spans import Moment
from legato.core.clock import SystemClock
from legato.core.config_parts import Requirements
from legato.core.errors import InvalidRequest
from legato.core.networks import read_networks
from legato.core.principal import Window
from legato.storage.tenants.key_records import KeySpec

_NOTHING: dict[str, tuple[str, Any]] = {
    "tags": ("tags", {}),
    "rpm": ("requests_per_minute", None),
    "concurrency": ("concurrency_max", None),
    "budget": ("budget", None),
    "expires": ("expires_at_ns", None),
    "require": ("require", None),
    "allow-from": ("allow_from", ()),
}
"""What `--without` takes away: a field and what it is then."""


class WantedChange(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `legato keys change` as they were given."""

    models: str | None
    tags: tuple[str, ...]
    requests_per_minute: int | None
    concurrency_max: int | None
    budget_usd: str | None
    window: str | None
    expires: Moment | None
    require: Requirements
    allow_from: tuple[str, ...]
    without: frozenset[str]


def change(instance: Instance, key: str, wanted: WantedChange, *, as_json: bool) -> None:
    """Change a key and print how it is now.

    Raises:
        InvalidRequest: nothing is to be changed, or an option is not valid; or the key is
            declared or revoked.
        PreconditionFailed: somebody else changed it in this moment.
    """
    with stored_data(instance) as stored:
        keys = stored.keys()
        record = find(keys.list(), key)
        spec = _changed(record.spec, wanted, SystemClock().now_ns())
        changed = keys.change(record.id, spec, record.version)
    print_key(changed, as_json=as_json)


def _changed(spec: KeySpec, wanted: WantedChange, now_ns: int) -> KeySpec:
    values = _given(spec, wanted, now_ns)
    for option in sorted(wanted.without):
        field, nothing = _NOTHING[option]
        if field in values:
            raise InvalidRequest(f"--without {option}: the same is given, too", param=option)
        values[field] = nothing
    if not values:
        raise InvalidRequest("nothing to change is named: see `legato keys change --help`")
    return replace(spec, **values)


def _given(spec: KeySpec, wanted: WantedChange, now_ns: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if wanted.models is not None:
        values["models"] = read_models(wanted.models)
    if wanted.tags:
        values["tags"] = read_tags(wanted.tags)
    if wanted.requests_per_minute is not None:
        values["requests_per_minute"] = wanted.requests_per_minute
    if wanted.concurrency_max is not None:
        values["concurrency_max"] = wanted.concurrency_max
    if wanted.expires is not None:
        values["expires_at_ns"] = read_end(wanted.expires, now_ns)
    if wanted.require != Requirements():
        values["require"] = wanted.require
    if wanted.allow_from:
        values["allow_from"] = read_networks(wanted.allow_from, "allow-from")
    current = spec.budget
    if wanted.budget_usd is not None:
        kept = "month" if current is None else current.window.value
        values["budget"] = read_budget(wanted.budget_usd, wanted.window or kept)
    elif wanted.window is not None:
        if current is None:
            raise InvalidRequest("--window: the key has no budget: add --budget-usd")
        values["budget"] = replace(current, window=Window(wanted.window))
    return values
