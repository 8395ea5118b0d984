import logging
from collections.abc import Collection
from importlib.metadata import EntryPoint

import msgspec
import pytest

from legato.app.prices import pricing
from legato.app.prices.pricing import (
    PricedDeployment,
    batch_prices_of,
    priced_deployments,
    prices_of,
    raise_alarm,
    unanswered,
)
from legato.core.config import Config
from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.economics.price_book import PriceAnswer, PriceQuestion

BOOK_PRICE = Price("v1", in_uncached=PicoUSD(7), source="book")


class Book:
    def __init__(self, answer: PriceAnswer) -> None:
        self.asked: list[PriceQuestion] = []
        self.answer = answer

    def ask(self, questions: Collection[PriceQuestion]) -> dict[PriceQuestion, PriceAnswer]:
        self.asked += questions
        return dict.fromkeys(questions, self.answer)


def config(provider: dict[str, object], **deployment: object) -> Config:
    return msgspec.convert(
        {
            "providers": [{"name": "p", **provider}],
            "deployments": [{"name": "d", "provider": "p", "model": "m", **deployment}],
        },
        Config,
    )


VENDOR = {
    "kind": "openai_compatible",
    "base_url": "https://user:secret@api.vendor.example:1/v1?k=s",
}


def test_a_configured_price_wins_and_the_book_is_not_asked() -> None:
    book = Book(PriceAnswer(BOOK_PRICE))
    (row,) = priced_deployments(config(VENDOR, price={"input_per_mtok": "3"}), book.ask)
    assert row.price is not None
    assert (row.price.in_uncached, row.price.source) == (3_000_000, "config")
    assert book.asked == []


def test_the_book_is_asked_by_address_without_credentials() -> None:
    book = Book(PriceAnswer(BOOK_PRICE, "vendor/m"))
    rows = priced_deployments(config(VENDOR), book.ask)
    assert book.asked == [PriceQuestion("m", "https://api.vendor.example:1/v1")]
    assert rows[0].matched == "vendor/m"
    assert prices_of(rows) == {"d": BOOK_PRICE}


def test_a_preset_gives_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = EntryPoint("openai_compatible", "legato.providers.openai_compatible:factory", "any")
    monkeypatch.setattr(pricing, "plugin_kinds", lambda: {kind.name: kind})  # installed or not
    book = Book(PriceAnswer(BOOK_PRICE))
    priced_deployments(config({"kind": "openai_compatible", "preset": "mistral"}), book.ask)
    assert book.asked == [PriceQuestion("m", "https://api.mistral.ai/v1")]


@pytest.mark.parametrize("kind", ["local", "simulated"])
def test_a_model_that_runs_here_is_never_looked_up(kind: str) -> None:
    book = Book(PriceAnswer(BOOK_PRICE))
    (row,) = priced_deployments(config({"kind": kind}), book.ask)
    assert row.price is None
    assert "machine_hour_usd" in row.reason
    assert book.asked == []


def test_an_unpriced_deployment_raises_the_alarm(caplog: pytest.LogCaptureFixture) -> None:
    question = PriceQuestion("m", "")
    reason = unanswered([question], "The price book could not be read.")[question].reason
    row = PricedDeployment("d", "p", "m", None, reason=reason)
    with caplog.at_level(logging.INFO):
        raise_alarm([row])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.deployment == "d"  # type: ignore[attr-defined]
    assert "Set the deployment's price" in record.remedy  # type: ignore[attr-defined]


def test_a_priced_deployment_is_quiet_but_for_its_limits(caplog: pytest.LogCaptureFixture) -> None:
    plain = PricedDeployment("a", "p", "m", BOOK_PRICE)
    limited = PricedDeployment("b", "p", "m", BOOK_PRICE, notes=("x",), until="2026-07-01")
    with caplog.at_level(logging.INFO):
        raise_alarm([plain, limited])
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]


def test_a_native_batch_is_charged_by_factor_else_by_the_book_else_in_full(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cheaper = msgspec.structs.replace(BOOK_PRICE, version="batch", in_uncached=PicoUSD(1))
    book = Book(PriceAnswer(BOOK_PRICE, batch=cheaper))

    def charged(**deployment: object) -> object:
        loaded = config(VENDOR, **deployment)
        return batch_prices_of(loaded, priced_deployments(loaded, book.ask))

    assert charged() == {}
    assert charged(batch={"lane": "native"}) == {"d": cheaper}
    halved = charged(batch={"lane": "native", "price_factor": "0.5"})
    assert isinstance(halved, dict)
    assert halved["d"].in_uncached == 4  # half of 7, half-even
    assert not caplog.records
    own = {"input_per_mtok": "3"}
    full = charged(batch={"lane": "native"}, price=own)
    assert isinstance(full, dict)
    assert full["d"].in_uncached == 3_000_000
    assert "full price" in caplog.text
