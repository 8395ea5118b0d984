"""What is live of deployments and routes, and what they charge; on both databases."""

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.price import Price
from legato.core.registry import INSTANCE_ORG, Kind, ObjectName, Truth, digest_of
from legato.core.tenant import Tenant
from legato.storage.ledger.prices import PriceStore
from legato.storage.registry.changes import RegistryChanges, make_together
from legato.storage.registry.models import ModelPrice, ModelPrices, RegistryModels
from legato.storage.registry.records import Changes, Move, NewVersion

FAST = ObjectName(Kind.DEPLOYMENT, "fast")
GREETING = ObjectName(Kind.PROMPT, "greeting")


def saved(name: ObjectName, text: str, label: str = "production") -> Changes:
    digest = digest_of(name.kind, text)
    version = NewVersion(name, digest, text.encode())
    moves = (Move(name, label, digest),)
    return Changes("ada", "", "production", Truth.DATABASE, (version,), moves)


@pytest.fixture
def instance(engine: Engine, clock: ManualClock, ids: IdSource) -> RegistryChanges:
    return RegistryChanges(engine, clock, ids, Tenant(INSTANCE_ORG))


def test_only_what_is_live_in_the_environment_is_read(
    engine: Engine, instance: RegistryChanges
) -> None:
    models = RegistryModels(engine, "production")
    before = models.version()
    instance.make(saved(FAST, "one", "staging"))
    assert models.read()[1] == []
    instance.make(saved(FAST, "two"))
    number, records, prices = models.read()
    assert [(one.name, one.sealed) for one in records] == [(FAST, b"two")]
    assert prices == []
    assert number == models.version() > before
    assert RegistryModels(engine, "elsewhere").read()[1] == []


def test_a_price_is_that_of_a_version_and_stays_known(
    engine: Engine, clock: ManualClock, instance: RegistryChanges
) -> None:
    instance.make(saved(FAST, "one"))
    models, keeper = RegistryModels(engine, "production"), ModelPrices(engine, clock)
    digest = models.read()[1][0].digest
    before = models.version()
    keeper.record([ModelPrice("fast", digest, Price("v1"), Price("v1b"))])
    assert models.version() > before
    assert models.read()[2] == [ModelPrice("fast", digest, Price("v1"), Price("v1b"))]
    keeper.record([ModelPrice("fast", digest, reason="nobody knows it")])
    assert models.read()[2] == [ModelPrice("fast", digest, reason="nobody knows it")]
    known = PriceStore(engine, clock)
    assert [known.get("fast", one) for one in ("v1", "v1b")] == [Price("v1"), Price("v1b")]


def test_several_registries_change_together_or_not_at_all(
    engine: Engine, clock: ManualClock, ids: IdSource, instance: RegistryChanges
) -> None:
    acme = RegistryChanges(engine, clock, ids, Tenant("acme"))
    nowhere = Move(GREETING, "production", "0" * 64)
    broken = Changes("ada", "", "production", Truth.DATABASE, moves=(nowhere,))
    models = RegistryModels(engine, "production")
    with pytest.raises(NotFound):
        make_together(engine, [(instance, saved(FAST, "one")), (acme, broken)])
    assert models.read()[1] == []
    make_together(engine, [(instance, saved(FAST, "one")), (acme, saved(GREETING, "hi"))])
    assert [one.name for one in models.read()[1]] == [FAST]
