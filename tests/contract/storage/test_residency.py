"""Where tenants' calls may go, on both databases: it becomes part of what their keys require."""

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.config_parts import Requirements
from legato.core.errors import InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.tenants.key_records import KeySpec
from legato.storage.tenants.keys import KeyStore
from legato.storage.tenants.residency import ResidencyStore


def required(keys: KeyStore, name: str) -> list[str] | None:
    require = keys.snapshot().by_digest[name.encode()].require
    return None if require is None else require.regions


def test_it_narrows_what_keys_require_and_goes_again(
    engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    keys = KeyStore(engine, clock, ids, EVERY_TENANT)
    own = Requirements(regions=["eu", "us"], no_training=True)
    for name, org, team, require in (
        ("plain", "acme", "t", None),
        ("narrow", "acme", "t", own),
        ("beside", "acme", "u", None),
        ("foreign", "other", "t", None),
    ):
        spec = KeySpec(name=name, team=team, feature="f", org=org, require=require)
        keys.create(spec, name.encode())
    store = ResidencyStore(engine, clock, Tenant("acme"))
    before = keys.version()
    store.set("acme", "", ["eu", "ch", " eu"], "key:admin")
    assert keys.version() > before
    assert [required(keys, one) for one in ("plain", "narrow", "beside", "foreign")] == [
        ["ch", "eu"], ["eu"], ["ch", "eu"], None,
    ]  # fmt: skip
    store.set("acme", "t", ["ch"], "key:admin")
    assert [required(keys, one) for one in ("plain", "narrow", "beside")] == [
        ["ch"], [], ["ch", "eu"],
    ]  # fmt: skip
    found = keys.snapshot().by_digest[b"narrow"]
    assert found.residency == "acme and acme/t"
    assert found.require is not None
    assert found.require.no_training
    store.remove("acme", "")
    store.remove("acme", "t")
    assert [required(keys, one) for one in ("plain", "narrow")] == [None, ["eu", "us"]]
    with pytest.raises(NotFound):
        store.remove("acme", "")


def test_a_tenant_sets_its_own_alone(engine: Engine, clock: ManualClock, ids: IdSource) -> None:
    keys = KeyStore(engine, clock, ids, EVERY_TENANT)
    keys.create(KeySpec(name="k", team="t", feature="f", org="acme"), b"k")
    stranger = ResidencyStore(engine, clock, Tenant("other"))
    with pytest.raises(NotFound):
        stranger.set("acme", "", ["eu"], "key:x")
    own = ResidencyStore(engine, clock, Tenant("acme"))
    with pytest.raises(NotFound):
        own.set("acme", "nobody", ["eu"], "key:x")
    with pytest.raises(InvalidRequest):
        own.set("acme", "", [" "], "key:x")
    own.set("acme", "", ["eu"], "key:x")
    assert stranger.all() == []
    with pytest.raises(NotFound):
        stranger.remove("acme", "")
