"""Who has which role where, on either database."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.permission import Permission
from legato.core.roles import BUILT_IN, Grant, Role
from legato.core.tenant import EVERY_TENANT, Area, Areas, Reach, Tenant
from legato.storage.audit.log import AuditFilter, AuditLog
from legato.storage.tenants.key_records import KeySpec
from legato.storage.tenants.keys import KeyStore
from legato.storage.tenants.roles import CustomRoles, NewBinding, RoleBindings

ACME = Tenant("acme")


@pytest.fixture
def bindings(engine: Engine, clock: ManualClock, ids: IdSource) -> Callable[[Reach], RoleBindings]:
    return lambda reach: RoleBindings(engine, clock, ids, reach)


@pytest.fixture
def custom(engine: Engine, clock: ManualClock) -> CustomRoles:
    return CustomRoles(engine, clock, ACME)


def new(subject: str = "ann", role: str = "viewer", org: str = "acme", **below: Any) -> NewBinding:
    return NewBinding(subject_kind="account", subject_id=subject, role=role, org=org, **below)


def test_roles_of_a_key_stand_in_its_principal_until_they_are_taken_away(
    engine: Engine, clock: ManualClock, ids: IdSource, bindings: Callable[[Reach], RoleBindings]
) -> None:
    keys = KeyStore(engine, clock, ids, EVERY_TENANT)
    key_id = keys.create(KeySpec(name="k", org="acme", team="t", feature="f"), b"k")
    before = keys.version()
    wanted = NewBinding(subject_kind="key", subject_id=key_id, role="finance", org="acme", team="t")
    bound = bindings(ACME).bind(wanted, "ann")
    assert keys.version() > before
    grant = Grant("finance", BUILT_IN[Role.FINANCE], "acme", "t")
    assert keys.snapshot().by_digest[b"k"].grants == (grant,)
    assert bindings(ACME).grants_of("key", key_id) == (grant,)
    assert bindings(ACME).grants_of("account", key_id) == ()
    bindings(ACME).unbind(bound.id)
    assert keys.snapshot().by_digest[b"k"].grants == ()
    assert keys.version() > before + 1
    acts = [one.event.action for one in AuditLog(engine, ACME).page(9, AuditFilter())]
    assert acts[:2] == ["role.unbind", "role.bind"]


def test_a_binding_is_seen_and_changed_within_reach_only(
    bindings: Callable[[Reach], RoleBindings],
) -> None:
    made = [
        bindings(EVERY_TENANT).bind(one, "root")
        for one in (new(), new(team="t"), new(team="t", feature="f"), new(org="other"))
    ]
    every = bindings(EVERY_TENANT).bind(new(org="*"), "root")
    assert bindings(EVERY_TENANT).page(9) == [*made, every]
    assert bindings(ACME).page(9) == made[:3]
    assert bindings(ACME).page(1, made[0].id, subject=("account", "ann")) == [made[1]]
    assert bindings(ACME).page(9, subject=("account", "bob")) == []
    team = bindings(Areas((Area("acme", "t"),)))
    assert team.page(9) == made[1:3]
    for foreign in (made[0], made[3], every):
        for call in (team.get, team.unbind):
            with pytest.raises(NotFound):
                call(foreign.id)
    for place in (new("bob"), new("bob", org="other"), new("bob", org="*"), new("bob", team="u")):
        with pytest.raises(NotFound):
            team.bind(place, "x")
    assert team.bind(new("bob", team="t", feature="g"), "x").subject_id == "bob"


def test_what_can_not_be_bound(bindings: Callable[[Reach], RoleBindings]) -> None:
    store = bindings(EVERY_TENANT)
    store.bind(new(), "x")
    with pytest.raises(Conflict):
        store.bind(new(), "x")
    with pytest.raises(NotFound):
        store.bind(new(role="made-up"), "x")
    for wrong in (new(feature="f"), new(org="*", team="t")):
        with pytest.raises(InvalidRequest):
            store.bind(wrong, "x")


def test_the_last_owner_stays(
    engine: Engine, clock: ManualClock, ids: IdSource, bindings: Callable[[Reach], RoleBindings]
) -> None:
    keys, store = KeyStore(engine, clock, ids, EVERY_TENANT), bindings(EVERY_TENANT)
    key_id = keys.create(KeySpec(name="k", org="acme", team="t", feature="f"), b"k")
    owner = NewBinding(subject_kind="key", subject_id=key_id, role="owner", org="acme")
    first = store.bind(owner, "x")
    store.bind(new("cy", "owner", team="t"), "x")
    for attempt in (lambda: store.unbind(first.id), lambda: keys.revoke(key_id)):
        with pytest.raises(Conflict, match="last owner of acme"):
            attempt()
    assert keys.snapshot().by_digest[b"k"].grants
    other = keys.create(KeySpec(name="l", org="acme", team="t", feature="f"), b"l")
    bob = NewBinding(subject_kind="key", subject_id=other, role="owner", org="acme")
    second = store.bind(bob, "x")
    keys.revoke(key_id)
    assert store.page(9, subject=("key", key_id)) == []
    with pytest.raises(Conflict):
        store.unbind(second.id)


def test_a_role_of_their_own(
    custom: CustomRoles, bindings: Callable[[Reach], RoleBindings], engine: Engine,
    clock: ManualClock,
) -> None:  # fmt: skip
    some = frozenset({Permission.LEDGER_READ, Permission.KEY_READ})
    made = custom.create("books", "Looks at spend", some, "ann")
    assert custom.list() == [made]
    assert custom.permissions("books") == some
    other = CustomRoles(engine, clock, Tenant("other"))
    assert other.list() == []
    with pytest.raises(NotFound):
        other.permissions("books")
    with pytest.raises(NotFound):
        other.delete("books")
    for taken in ("books", "viewer"):
        with pytest.raises(Conflict):
            custom.create(taken, "", some, "ann")
    bound = bindings(ACME).bind(new(role="books"), "x")
    assert bindings(ACME).grants_of("account", "ann") == (Grant("books", some, "acme"),)
    with pytest.raises(NotFound):
        bindings(EVERY_TENANT).bind(new(role="books", org="other"), "x")
    with pytest.raises(Conflict, match="somebody has"):
        custom.delete("books")
    bindings(ACME).unbind(bound.id)
    custom.delete("books")
    assert custom.list() == []
