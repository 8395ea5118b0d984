"""What decisions were made by, on both databases: each once, and no secret in it."""

import msgspec
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.config import Config, KeyService, Provider, Retry, Vault
from legato.core.decisions import DeploymentFacts, RouteFacts, digest_of_route, encode_route
from legato.core.records import RouteKnown, encode_record
from legato.storage.ledger.decided import DecidedBy
from legato.storage.ledger.ledger import Ledger

SECRET = "hunter2"
PROVIDER = Provider(
    name="p",
    kind="k",
    headers={"authorization": SECRET},
    proxy=f"http://me:{SECRET}@proxy:1",
    settings={"token": SECRET, "region": "eu"},
)


def test_a_configuration_is_kept_by_its_hash_without_secrets(
    engine: Engine, clock: ManualClock
) -> None:
    vault = Vault(key_service=KeyService(kind="k", settings={"pin": SECRET}))
    decided, config = DecidedBy(engine, clock), Config(providers=[PROVIDER], vault=vault)
    decided.record_config("h1", config)
    decided.record_config("h1", Config())
    kept = decided.config("h1")
    assert kept is not None
    assert kept.providers[0].name == "p"
    assert kept.providers[0].settings.keys() == {"token", "region"}
    assert SECRET not in msgspec.json.encode(kept).decode()
    assert decided.config("h2") is None


def test_a_route_of_the_journal_is_found_by_its_digest(engine: Engine, clock: ManualClock) -> None:
    deployment = DeploymentFacts("d", "p", "m", "eu", "v1", 1, 7, 100, ("chat",))
    facts = RouteFacts("chat", "chat", "weighted", (deployment,), deployment, Retry(), 5.0, 0.0)
    encoded = encode_route(facts)
    digest = digest_of_route(encoded)
    ledger, record = Ledger(engine, clock), encode_record(RouteKnown(digest, 1, encoded))
    ledger.commit("w/0001", 10, [record])
    ledger.commit("w2/0001", 10, [record, record])
    decided = DecidedBy(engine, clock)
    assert decided.route(digest) == facts
    assert decided.route("0" * 16) is None
