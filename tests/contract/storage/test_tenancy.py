"""Nobody meets what is another tenant's, on either database."""

import inspect
from collections.abc import Callable
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from sqlalchemy import Engine

import legato.storage
from legato.core.clock import ManualClock
from legato.core.errors import Conflict, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Reach, Tenant
from legato.storage.ledger.entries import EntryFilter, EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.sums import SpendSums
from legato.storage.runs.idempotent_calls import CallName, IdempotentCalls
from legato.storage.tables.schema import metadata
from legato.storage.tenants.key_records import DeclaredKey, KeySpec
from legato.storage.tenants.keys import KeyStore
from legato.storage.tenants.places import Kind, PlaceStore

from .journal_records import encoded, served, settled

ACME, OTHER = Tenant("acme"), Tenant("other")

# Why a class of the storage that works on a database needs no reach.
INSTANCE_WIDE = {
    "RunLooking": "for the processes that run workflows, of every tenant; reads no content",
    "RunWork": "for the processes that run workflows; each method takes the organisation",
    "GuardRoller": "the same, of what guardrails found",
    "Roller": "sums each organisation's entries apart; what reads the sums asks for whom",
    "AccessLog": "writes only; each act says whose log shows it",
    "AuditExports": "up to where the whole log was copied",
    "BatchClaims": "each method takes the organisation",
    "BatchStore": "each method takes the organisation, but for the list of open ones to run",
    "CaptureStore": "takes in what workers captured, each row with its organisation; reads nothing",
    "ComplianceFacts": "counts of the whole instance, for its operator's checks",
    "ComplianceResults": "of the instance: counts and names of what is configured",
    "Changes": "for the live stream, which narrows what it tells; each says whose it is",
    "CredentialStore": "providers and their credentials belong to the instance",
    "DataKeyTable": "each method takes the organisation; keys are wrapped",
    "DecidedBy": "configurations and routes are the instance's",
    "ErasureMarks": "for workers, which serve every tenant; each time says whose it is",
    "ExecutorBeats": "processes of the instance",
    "FloorStore": "each method takes the organisation; what is read for workers says whose it is",
    "FileStore": "each method takes the organisation; what is kept is sealed for it",
    "LeaseBooks": "the same counters, for the store that grants leases of them",
    "LastingHolds": "likewise, for batches",
    "LeaseStore": "counters by the id of a limit, asked for by the gateway after authentication",
    "Ledger": "takes in the journal of every tenant; reads nothing out",
    "ResponseStore": "each method takes the organisation; what is kept is sealed for it",
    "RegistrySnapshots": "for workers, which serve every tenant; each row says whose it is",
    "GuardSampleIntake": "takes in what workers found, each row with its organisation",
    "KeptMapIntake": "takes in what workers redacted, each row with its organisation",
    "HoldoutSnapshots": "for workers, which serve every tenant; each row says whose it is",
    "RegistryModels": "deployments and routes belong to the instance",
    "LogTiles": "the whole log, for who may mirror it",
    "ModelPrices": "what they charge, too",
    "Traces": "for the process that tells people, of every tenant; each row says whose it is",
    "ObjectiveCounts": "for the process that counts; each objective says whose it is",
    "ServiceTraces": "for the process that tells people; each row says whose it is",
    "WorkClaim": "processes of the instance",
    "TombstoneStore": "the instance's list of what was revoked and erased; each row says whose",
    "SignInDelays": "counts by digests of logins and addresses, before anybody is known",
    "SignInFlows": "sign-ins of nobody yet",
    "MappedRoles": "of a provider, which may give roles over every organisation",
    "PriceStore": "prices of deployments belong to the instance",
    "Segments": "rows of all tenants under one root; gives hashes, no rows",
    "SemanticEntryStore": "for workers, which serve every tenant; each row says whose it is",
}
# Why a table has no column `org`.
NO_TENANTS_ROWS = {
    "rollup_mark": "up to which entry of all the sums are",
    "api_key_secret": "reached through api_key only",
    "audit_export": "the instance's",
    "audit_head": "one counter, and hashes over every tenant's events",
    "audit_segment": "hashes over every tenant's rows",
    "compliance_result": "the instance's: counts and names of what is configured",
    "config_version": "the instance's",
    "credential": "the instance's",
    "journal_alarm": "what could not be read, so nobody knows whose",
    "journal_offset": "the instance's",
    "lease_holder": "processes of the instance",
    "lease_store": "one name",
    "limit_lease": "reached through limit_window only",
    "limit_used": "the same",
    "limit_window": "counters by the id of a key",
    "migration_marker": "the instance's",
    "notification_source": "up to where rows of every tenant were read",
    "work_claim": "processes of the instance",
    "open_intent": "an encoded record; becomes a ledger entry, which has one",
    "open_progress": "the same",
    "organisation": "is the tenant",
    "price_version": "the instance's",
    "route_facts": "the instance's",
    "run_executor": "processes of the instance",
    "semantic_change": "one counter",
    "semantic_purge": "which entries are to be forgotten: its selection says whose",
    "sign_in_delay": "digests of logins and addresses, before anybody is known",
    "sign_in_flow": "sign-ins of nobody yet",
    "store_version": "the instance's",
    "tombstone_copy": "the instance's",
    "voided_attempt": "ids of attempts that have no entry",
}


def stores() -> dict[str, type]:
    """Every class of the storage that is made with a database."""
    found = {}
    for module in walk_packages(legato.storage.__path__, "legato.storage."):
        for name, member in vars(import_module(module.name)).items():
            if inspect.isclass(member) and member.__module__ == module.name:
                if issubclass(member, Exception):
                    continue
                parameters = inspect.signature(member).parameters
                if "engine" in parameters and not name.startswith("_"):
                    found[name] = member
    return found


def test_every_store_asks_for_whom_or_says_why_not() -> None:
    asking = {
        name
        for name, store in stores().items()
        if {"reach", "tenant"} & set(inspect.signature(store).parameters)
    }
    assert asking >= {"FeedbackIntake", "FeedbackReader"}
    assert asking >= {"KeyStore", "EntryReader", "SpendSums", "PlaceStore", "IdempotentCalls"}
    assert set(stores()) - asking == set(INSTANCE_WIDE)
    for name in asking:
        parameters = inspect.signature(stores()[name]).parameters
        for_whom = parameters.get("reach") or parameters["tenant"]
        assert for_whom.default is inspect.Parameter.empty, name


def test_every_table_names_the_tenant_or_says_why_not() -> None:
    without = {name for name, table in metadata.tables.items() if "org" not in table.columns}
    assert without == set(NO_TENANTS_ROWS)


@pytest.fixture
def keys(engine: Engine, clock: ManualClock, ids: IdSource) -> Callable[[Reach], KeyStore]:
    return lambda reach: KeyStore(engine, clock, ids, reach)


@pytest.fixture
def places(engine: Engine, clock: ManualClock, ids: IdSource) -> Callable[[Reach], PlaceStore]:
    return lambda reach: PlaceStore(engine, clock, ids, reach)


def spec(org: str, name: str = "", **fields: Any) -> KeySpec:
    return KeySpec(name=name or org, org=org, team="t", feature="f", **fields)


def test_a_foreign_key_does_not_exist(keys: Callable[[Reach], KeyStore]) -> None:
    own, foreign = (keys(EVERY_TENANT).create(spec(org), org.encode()) for org in ("acme", "other"))
    acme = keys(ACME)
    assert [record.id for record in acme.list()] == [own]
    assert [record.id for record in acme.page(10)] == [own]
    assert set(acme.snapshot().by_digest) == {b"acme"}
    for call in (acme.get, acme.revoke, lambda key_id: acme.rotate(key_id, b"new", 0)):
        with pytest.raises(NotFound):
            call(foreign)
    with pytest.raises(NotFound):
        acme.create(spec("other", "another"), b"x")
    with pytest.raises(TypeError):
        acme.upsert_declared([DeclaredKey(spec("other", "another"), b"x")])
    assert [record.id for record in keys(EVERY_TENANT).list()] == [own, foreign]
    assert [record.id for record in keys(EVERY_TENANT).page(10, own)] == [foreign]


def test_a_key_brings_its_organisation_team_and_feature_once(
    keys: Callable[[Reach], KeyStore], places: Callable[[Reach], PlaceStore]
) -> None:
    store = keys(EVERY_TENANT)
    store.create(spec("acme", "a"), b"a")
    store.create(KeySpec(name="b", org="acme", team="t", feature="g"), b"b")
    store.upsert_declared([DeclaredKey(spec("other"), b"c")])
    counts = [len(places(EVERY_TENANT).page(kind, 10)) for kind in Kind]
    assert counts == [2, 2, 3]


def test_a_foreign_place_does_not_exist(places: Callable[[Reach], PlaceStore]) -> None:
    made = {}
    for org in ("acme", "other"):
        store = places(EVERY_TENANT)
        top = store.create(Kind.ORGANISATION, org, "")
        middle = store.create(Kind.TEAM, "t", "", above_id=top.id)
        made[org] = [top, middle, store.create(Kind.FEATURE, "f", "", above_id=middle.id)]
    acme = places(ACME)
    for kind, own, foreign in zip(Kind, made["acme"], made["other"], strict=True):
        assert acme.page(kind, 10) == [own]
        assert acme.get(kind, own.id) == own
        with pytest.raises(NotFound):
            acme.get(kind, foreign.id)
        with pytest.raises(NotFound):
            acme.retitle(kind, foreign.id, "mine", 1)
    for kind, above in ((Kind.TEAM, made["other"][0]), (Kind.FEATURE, made["other"][1])):
        with pytest.raises(NotFound):
            acme.create(kind, "x", "", above_id=above.id)
        with pytest.raises(NotFound):
            acme.page(kind, 10, above_id=above.id)
    with pytest.raises(NotFound):
        acme.create(Kind.ORGANISATION, "third", "")


def test_a_place_is_changed_from_the_version_that_was_read(
    places: Callable[[Reach], PlaceStore],
) -> None:
    store = places(EVERY_TENANT)
    top = store.create(Kind.ORGANISATION, "acme", "Acme")
    with pytest.raises(Conflict):
        store.create(Kind.ORGANISATION, "acme", "again")
    changed = store.retitle(Kind.ORGANISATION, top.id, "Acme Ltd", 1)
    assert (changed.version, changed.title, changed.name) == (2, "Acme Ltd", "acme")
    with pytest.raises(PreconditionFailed):
        store.retitle(Kind.ORGANISATION, top.id, "late", 1)
    assert store.get(Kind.ORGANISATION, top.id) == changed
    teams = [store.create(Kind.TEAM, name, "", above_id=top.id) for name in "abc"]
    assert store.page(Kind.TEAM, 2, above_id=top.id) == teams[:2]
    assert store.page(Kind.TEAM, 2, above_id=top.id, after_id=teams[1].id) == teams[2:]


def test_an_idempotent_call_is_made_once_and_only_its_caller_gets_the_answer(
    engine: Engine, clock: ManualClock
) -> None:
    calls, call = IdempotentCalls(engine, clock, ACME), CallName("key", "name")
    assert calls.begin(call, b"request") is None
    with pytest.raises(Conflict, match="has not ended"):
        calls.begin(call, b"request")
    calls.finish(call, b"answer")
    assert calls.begin(call, b"request") == b"answer"
    with pytest.raises(Conflict, match="another request"):
        calls.begin(call, b"different")
    assert calls.begin(CallName("another key", "name"), b"request") is None
    assert IdempotentCalls(engine, clock, OTHER).begin(call, b"request") is None
    calls.forget(call)
    assert calls.begin(call, b"request") is None
    calls.finish(call, b"answer")
    clock.advance(24 * 3600 + 1)
    assert calls.begin(call, b"different") is None, "kept for a day"


def test_foreign_spend_is_not_seen(engine: Engine, clock: ManualClock) -> None:
    records = encoded(settled("r1", cost=500), settled("r2", cost=70, org="other"), served("r1"))
    Ledger(engine, clock).commit("w/1", 1, records)
    every, none = EntryFilter(), EntryFilter(request_id="r1")
    for reach, cost, count in ((ACME, 500, 1), (OTHER, 70, 1), (EVERY_TENANT, 570, 2)):
        sums, entries = SpendSums(engine, reach), EntryReader(engine, reach)
        assert sums.total().cost == cost
        assert len(sums.sum_by(["org"])) == count
        rows = list(entries.export_rows())
        assert len(rows) == len(entries.tail(9)) == len(entries.page(9, None, every)) == count
    other = EntryReader(engine, OTHER)
    assert other.page(9, None, none) == other.entries_of("r1") == list(other.traces()) == []
    assert other.trace("r1") is None
    assert EntryReader(engine, ACME).trace("r1") is not None
