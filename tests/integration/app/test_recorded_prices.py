from pathlib import Path

from legato.app.startup import record_prices
from legato.core.clock import SystemClock
from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.storage.database.engine import open_engine
from legato.storage.ledger.prices import PriceStore
from legato.storage.migrate import upgrade


def test_every_price_that_was_in_force_can_be_looked_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'legato.db'}"
    engine = open_engine(url)
    upgrade(engine)
    first, second = Price("v1", in_uncached=PicoUSD(1)), Price("v2", in_uncached=PicoUSD(2))
    record_prices(url, {"small": first, "unpriced": None})
    record_prices(url, {"small": second, "unpriced": None})
    record_prices(url, {"small": second})
    store = PriceStore(engine, SystemClock())
    assert store.get("small", "v1") == first
    assert store.get("small", "v2") == second
    engine.dispose()
