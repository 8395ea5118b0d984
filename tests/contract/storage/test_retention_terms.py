"""Terms of retention that people set, on both databases."""

import pytest
from sqlalchemy import Engine, select

from legato.core.clock import ManualClock
from legato.core.errors import Forbidden, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant
from legato.storage.privacy.retention_terms import RetentionTermStore, kept_terms
from legato.storage.tables.audit import audit_event
from legato.storage.tenants.places import Kind, PlaceStore


@pytest.fixture
def orgs(engine: Engine, clock: ManualClock, ids: IdSource) -> None:
    places = PlaceStore(engine, clock, ids, EVERY_TENANT)
    for name in ("acme", "other"):
        places.create(Kind.ORGANISATION, name, "")


@pytest.mark.usefixtures("orgs")
def test_terms_are_set_replaced_and_taken_away(engine: Engine, clock: ManualClock) -> None:
    own = RetentionTermStore(engine, clock, Tenant("acme"))
    operator = RetentionTermStore(engine, clock, EVERY_TENANT)
    own.set("acme", "captures", 9, "key:a")
    for kind, least in (("objectives", 90), ("finance", 365)):
        with pytest.raises(InvalidRequest, match=f"from {least} "):
            own.set("acme", kind, least - 1, "key:a")
    assert own.set("acme", "captures", 7, "key:b").days == 7
    operator.set("", "captures", 30, "operator:x")
    assert kept_terms(engine) == {("acme", "captures"): 7, ("", "captures"): 30}
    assert [(one.org, one.days, one.changed_by) for one in own.all()] == [("acme", 7, "key:b")]
    own.remove("acme", "captures")
    with pytest.raises(NotFound):
        own.remove("acme", "captures")
    assert kept_terms(engine) == {("", "captures"): 30}
    with engine.connect() as connection:
        told = connection.execute(select(audit_event.c.action)).scalars().all()
    assert [one for one in told if one.startswith("retention.")] == [
        "retention.set", "retention.set", "retention.set", "retention.remove",
    ]  # fmt: skip


@pytest.mark.usefixtures("orgs")
def test_nobody_sets_what_is_not_theirs(engine: Engine, clock: ManualClock) -> None:
    own = RetentionTermStore(engine, clock, Tenant("acme"))
    team = RetentionTermStore(engine, clock, Areas((Area("acme", "t"),)))
    with pytest.raises(Forbidden):
        own.set("", "captures", 7, "key:a")
    with pytest.raises(Forbidden):
        own.set("acme", "traces", 7, "key:a")
    with pytest.raises(Forbidden):
        own.remove("", "captures")
    with pytest.raises(Forbidden):
        team.set("acme", "captures", 7, "key:a")
    with pytest.raises(NotFound):
        own.set("other", "captures", 7, "key:a")
    for kind, days in (("ledger", 7), ("captures", 0)):
        with pytest.raises(InvalidRequest):
            own.set("acme", kind, days, "key:a")
    RetentionTermStore(engine, clock, Tenant("other")).set("other", "captures", 7, "key:a")
    assert own.all() == []
    with pytest.raises(NotFound):
        own.remove("other", "captures")
    assert kept_terms(engine) == {("other", "captures"): 7}
