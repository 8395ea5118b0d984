from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.price import UNPRICED, Price
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.ledger.charged import ChargedPrices
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.prices import PriceStore

from .journal_records import AT_NS, encoded, settled

SPAN = ("small", "small-1", AT_NS, AT_NS + 10)


def test_prices_are_told_by_organisation_the_last_one_at_the_end(
    engine: Engine, clock: ManualClock
) -> None:
    records = encoded(
        settled("r0", at_ns=AT_NS - 1, price_version="before"),
        settled("r1", at_ns=AT_NS + 1, price_version="b"),
        settled("r2", at_ns=AT_NS + 2, price_version="a"),
        settled("r3", at_ns=AT_NS + 3, price_version="c", org="other"),
        settled("r4", at_ns=AT_NS + 4, price_version=UNPRICED),
        settled("r5", at_ns=AT_NS + 5, price_version="d", model="small-2"),
        settled("r6", at_ns=AT_NS + 6, price_version="e", deployment="big"),
        settled("r7", at_ns=AT_NS + 10, price_version="after"),
    )
    Ledger(engine, clock).commit("w-0/1", 1, records)
    every = ChargedPrices(engine, EVERY_TENANT).between(*SPAN)
    assert every == {"acme": ["b", "a"], "other": ["c"]}
    assert ChargedPrices(engine, Tenant("other")).between(*SPAN) == {"other": ["c"]}


def test_a_deployments_prices_are_told_oldest_first(engine: Engine, clock: ManualClock) -> None:
    store, first_ns = PriceStore(engine, clock), clock.now_ns()
    store.record({"small": Price("b"), "big": Price("x")})
    clock.advance(1)
    store.record({"small": Price("a")})
    store.record({"small": Price("b")})
    assert store.history("small") == [(first_ns, Price("b")), (clock.now_ns(), Price("a"))]
