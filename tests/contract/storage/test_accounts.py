"""Accounts, sessions, tokens and counts of failures, on either database."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, insert

from legato.audit.event import Act, Subject
from legato.core.clock import ManualClock
from legato.core.errors import Conflict, InvalidRequest, NotFound, Unauthenticated
from legato.core.ids import IdSource
from legato.core.permission import Permission
from legato.core.tenant import EVERY_TENANT, Reach, Tenant
from legato.storage.database.engine import writing
from legato.storage.identity.accounts import AccountStore, erase_account
from legato.storage.identity.delays import FORGET_S, KNOWN_S, SignInDelays
from legato.storage.identity.flows import SignInFlows
from legato.storage.identity.mapped_roles import MappedRoles
from legato.storage.identity.records import Account, NewAccount, NewSession, NewToken
from legato.storage.identity.sessions import SessionStore
from legato.storage.identity.tokens import TokenStore
from legato.storage.tables.schema import organisation
from legato.storage.tenants.roles import NewBinding, RoleBindings

ACME, OTHER = Tenant("acme"), Tenant("other")
IDLE_NS = 3600 * 10**9
Accounts = Callable[[Reach], AccountStore]


@pytest.fixture
def accounts(engine: Engine, clock: ManualClock, ids: IdSource) -> Accounts:
    with writing(engine) as connection:
        for org in ("acme", "other"):
            row = {"id": ids.new(), "name": org, "title": "", "version": 1, "created_at_ns": 0}
            connection.execute(insert(organisation), row)
    return lambda reach: AccountStore(engine, clock, ids, reach)


def person(org: str = "acme", email: str = "Ann@Example.com", **fields: str) -> NewAccount:
    return NewAccount(org=org, kind="person", name="Ann", email=email, **fields)


def test_a_foreign_account_does_not_exist(
    accounts: Accounts, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    own = accounts(EVERY_TENANT).create(person(password="hash"))
    foreign = accounts(EVERY_TENANT).create(person("other", "bob@example.com", password="hash"))
    acme = accounts(ACME)
    assert [one.id for one in acme.page(9)] == [own.id]
    assert acme.find("bob@example.com") is None
    assert acme.find("ANN@example.com") == own
    for call in (acme.get, acme.disable, acme.enable, lambda one: acme.tell(one, "x"),
                 lambda one: acme.set_password(one, "x"), lambda one: acme.invite(one, b"d", 1),
                 lambda one: acme.link(one, "x:y")):  # fmt: skip
        with pytest.raises(NotFound):
            call(foreign.id)
    with pytest.raises(NotFound):
        acme.create(person("other", "eve@example.com"))
    sessions = SessionStore(engine, clock, ids, ACME)
    tokens = TokenStore(engine, clock, ids, ACME)
    begun = SessionStore(engine, clock, ids, EVERY_TENANT).begin(
        foreign, NewSession(digest=b"s", ends_at_ns=clock.now_ns() + IDLE_NS)
    )
    made = TokenStore(engine, clock, ids, EVERY_TENANT).create(
        foreign, NewToken(name="t", digest=b"t", expires_at_ns=clock.now_ns() + IDLE_NS)
    )
    assert sessions.find(b"s", IDLE_NS) is tokens.find(b"t") is None
    assert sessions.list(foreign.id) == tokens.list(foreign.id) == []
    with pytest.raises(NotFound):
        sessions.end(foreign.id, begun.id)
    with pytest.raises(NotFound):
        tokens.revoke(foreign.id, made.id)


def test_a_name_is_taken_once_and_an_unknown_organisation_has_none(accounts: Accounts) -> None:
    store = accounts(EVERY_TENANT)
    store.create(person())
    with pytest.raises(Conflict, match="email"):
        store.create(person("other", "ann@EXAMPLE.com"))
    store.create(NewAccount(org="acme", kind="service", name="deploy"))
    store.create(NewAccount(org="other", kind="service", name="deploy"))
    with pytest.raises(Conflict, match="name"):
        store.create(NewAccount(org="acme", kind="service", name="deploy"))
    with pytest.raises(NotFound):
        store.create(person("nobody", "x@example.com"))


def test_an_invitation_is_used_once_and_in_time(accounts: Accounts, clock: ManualClock) -> None:
    store = accounts(EVERY_TENANT)
    ann = store.create(person())
    assert ann.state == "invited"
    store.invite(ann.id, b"first", clock.now_ns() + 10**9)
    store.invite(ann.id, b"second", clock.now_ns() + 10**9)
    assert store.invited(b"first") is None, "the newest one counts"
    assert store.invited(b"second") == ann
    assert store.accept(b"second", "hash").state == "active"
    with pytest.raises(NotFound):
        store.accept(b"second", "another")
    store.invite(ann.id, b"third", clock.now_ns() + 10**9)
    clock.advance(1)
    assert store.invited(b"third") is None
    with pytest.raises(NotFound):
        store.accept(b"third", "late")
    machine = store.create(NewAccount(org="acme", kind="service", name="deploy"))
    with pytest.raises(InvalidRequest):
        store.invite(machine.id, b"fourth", clock.now_ns() + 10**9)


def test_a_session_ends_by_time_by_idleness_and_with_its_account(
    accounts: Accounts, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    store, sessions = accounts(EVERY_TENANT), SessionStore(engine, clock, ids, EVERY_TENANT)
    ann = store.create(person(password="hash"))

    def begun(digest: bytes, seconds: int = 10_000) -> str:
        ends = clock.now_ns() + seconds * 10**9
        return sessions.begin(ann, NewSession(digest=digest, ends_at_ns=ends)).id

    begun(b"short", 100)
    begun(b"idle")
    kept = begun(b"kept")
    clock.advance(101)
    assert sessions.find(b"short", IDLE_NS) is None
    found = sessions.find(b"kept", IDLE_NS)
    assert found is not None
    assert (found[0].id, found[1].id) == (kept, ann.id)
    clock.advance(3_550)
    assert sessions.find(b"idle", IDLE_NS) is None
    assert sessions.find(b"kept", IDLE_NS) is not None, "used since"
    another = begun(b"another")
    store.set_password(ann.id, "new", keep=another)
    assert [one.id for one in sessions.list(ann.id)] == [another]
    sessions.end(ann.id, another)
    assert sessions.find(b"another", IDLE_NS) is None
    begun(b"last")
    store.disable(ann.id)
    assert sessions.find(b"last", IDLE_NS) is None
    with pytest.raises(Unauthenticated):
        begun(b"none")
    assert store.enable(ann.id).state == "active"


def test_a_token_is_in_force_until_it_expires_is_revoked_or_its_account_is_disabled(
    accounts: Accounts, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    store, tokens = accounts(EVERY_TENANT), TokenStore(engine, clock, ids, EVERY_TENANT)
    machine = store.create(NewAccount(org="acme", kind="service", name="deploy"))
    ends, narrow = clock.now_ns() + 10**10, frozenset({Permission.LEDGER_READ})

    def made(digest: bytes) -> str:
        new = NewToken(name="ci", digest=digest, expires_at_ns=ends, permissions=narrow)
        return tokens.create(machine, new).id

    first, _ = made(b"first"), made(b"second")
    found = tokens.find(b"first")
    assert found is not None
    assert found[0].permissions == narrow
    tokens.revoke(machine.id, first)
    tokens.revoke(machine.id, first)
    assert tokens.find(b"first") is None
    store.disable(machine.id)
    assert tokens.find(b"second") is None
    store.enable(machine.id)
    assert tokens.find(b"second") is not None
    clock.advance(10)
    assert tokens.find(b"second") is None
    assert len(tokens.list(machine.id)) == 2


@pytest.mark.parametrize("how", ["link", "accept"])
def test_who_made_an_account_keeps_nothing_of_it_once_its_person_comes(
    accounts: Accounts, engine: Engine, clock: ManualClock, *, ids: IdSource, how: str
) -> None:
    store, later = accounts(EVERY_TENANT), clock.now_ns() + 10**12
    sessions = SessionStore(engine, clock, ids, EVERY_TENANT)
    tokens = TokenStore(engine, clock, ids, EVERY_TENANT)
    ceo = store.create(person(email="ceo@example.com", password="the maker's"))
    sessions.begin(ceo, NewSession(digest=b"s", ends_at_ns=later))
    tokens.create(ceo, NewToken(name="t", digest=b"t", expires_at_ns=later))
    store.invite(ceo.id, b"i", later)
    if how == "link":
        store.link(ceo.id, "op:ceo")
    else:
        store.accept(b"i", "the person's")
    assert sessions.find(b"s", IDLE_NS) is tokens.find(b"t") is store.invited(b"i") is None


def test_a_password_and_a_role_end_open_invitations(
    accounts: Accounts, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    store, later = accounts(EVERY_TENANT), clock.now_ns() + 10**12
    ann = store.create(person())
    store.invite(ann.id, b"before a password", later)
    store.set_password(ann.id, "hash")
    assert store.invited(b"before a password") is None
    store.invite(ann.id, b"before a role", later)
    role = NewBinding(subject_kind="account", subject_id=ann.id, role="viewer", org="acme")
    RoleBindings(engine, clock, ids, EVERY_TENANT).bind(role, "test")
    with pytest.raises(NotFound):
        store.accept(b"before a role", "hash")


def test_a_provider_gives_no_role_on_a_feature_of_no_team(
    accounts: Accounts, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    ann = accounts(EVERY_TENANT).create(person(external="op:ann"))
    role = NewBinding(
        subject_kind="account", subject_id=ann.id, role="viewer", org="acme", feature="chat"
    )
    with pytest.raises(InvalidRequest, match="team"):
        MappedRoles(engine, clock, ids, provider="op").put(ann.id, [role])


def test_an_erased_account_is_nobodys(
    accounts: Accounts, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    store = accounts(EVERY_TENANT)
    ann = store.create(person(password="hash", pseudonym="p"))
    tokens = TokenStore(engine, clock, ids, EVERY_TENANT)
    tokens.create(ann, NewToken(name="t", digest=b"t", expires_at_ns=2**62))
    with writing(engine) as connection:
        erase_account(connection, ann.id)
    gone = store.get(ann.id)
    assert (gone.state, gone.email, gone.name, gone.password) == ("erased", "", "", "")
    assert tokens.list(ann.id) == []
    with pytest.raises(InvalidRequest):
        store.enable(ann.id)
    assert store.create(person()).id != ann.id, "the address is free again"


def test_failures_are_counted_by_all_and_forgotten(engine: Engine, clock: ManualClock) -> None:
    delays = SignInDelays(engine, clock)
    told: list[Act] = [Act("acme", "login.refuse", Subject("login", "x"))]

    def fail() -> float:
        return delays.failed({"a": float, "b": lambda count: 3.0 * count}, lambda _: told)

    assert [fail(), fail()] == [3.0, 6.0]
    assert delays.wait_s(["a"]) == 2.0
    assert SignInDelays(engine, clock).wait_s(["a", "b", "c"]) == 6.0
    delays.succeeded(["b"], "pair")
    assert (delays.wait_s(["b"]), delays.wait_s(["a"])) == (0.0, 2.0)
    assert delays.knows("pair")
    clock.advance(FORGET_S + 1)
    assert delays.failed({"a": float}, lambda _: told) == 1.0, "counted from the beginning"
    assert delays.knows("pair")
    delays.failed({"a:there": float}, lambda _: told)
    delays.unlock("a", Act("acme", "login.unlock", Subject("login", "x")))
    assert delays.wait_s(["a", "a:there"]) == 0.0
    clock.advance(KNOWN_S)
    assert not delays.knows("pair")


def test_a_flow_is_taken_once_and_in_time(engine: Engine, clock: ManualClock) -> None:
    flows = SignInFlows(engine, clock)
    for name in (b"one", b"two"):
        flows.begin(name, b"sealed " + name, clock.now_ns() + 10**9)
    assert flows.take(b"one") == b"sealed one"
    assert flows.take(b"one") is None
    clock.advance(1)
    assert flows.take(b"two") is None


def test_the_state_is_that_of_the_record() -> None:
    machine = NewAccount(org="acme", kind="service", name="deploy")
    assert machine.login == "service:acme/deploy"
    assert "password" in Account.__struct_fields__


def test_an_account_that_is_disabled_is_nobodys_last_owner(
    accounts: Accounts, engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    store, bindings = accounts(ACME), RoleBindings(engine, clock, ids, ACME)

    def owner(email: str) -> tuple[Account, str]:
        made = store.create(person(email=email, password="hash"))
        role = NewBinding(subject_kind="account", subject_id=made.id, role="owner", org="acme")
        return made, bindings.bind(role, "x").id

    ann, of_ann = owner("ann@example.com")
    bob, _ = owner("bob@example.com")
    store.disable(bob.id)
    with pytest.raises(Conflict, match="last owner"):
        bindings.unbind(of_ann)
    with pytest.raises(Conflict, match="last owner"):
        store.disable(ann.id)
    assert store.get(ann.id).state == "active"
    store.enable(bob.id)
    store.disable(ann.id)
