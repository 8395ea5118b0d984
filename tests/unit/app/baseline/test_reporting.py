from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from legato.accounting.repeats import DayRepeats, Near, Repeats
from legato.app.baseline.reporting import Asked, Labour, Report, as_json, build
from legato.core.imported_usage import ImportedUsage, UsageImport
from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.core.usage import Usage
from legato.economics.exchange import Rate
from legato.economics.price_book import PriceAnswer, PriceQuestion
from legato.economics.world_before import Shares, Tag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DAY_NS = 86_400 * 10**9
USD = 10**9
HALF = Shares(Decimal("0.5"), Decimal("0.5"), Decimal("0.5"), Tag.ASSUMED, "test")


def price(per_token: int) -> Price:
    names = ("in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "out_text",
             "reasoning", "audio_in", "audio_out", "image_in", "image_out")  # fmt: skip
    classes: dict[str, Any] = {name: PicoUSD(per_token) for name in names}
    return msgspec.convert({"version": "v", "source": "test", **classes}, Price)


def ask(questions: Collection[PriceQuestion]) -> Mapping[PriceQuestion, PriceAnswer]:
    known = {
        "big": PriceAnswer(price(1_000_000), batch=price(500_000)),
        "small": PriceAnswer(price(100_000)),
    }
    return {one: known.get(one.model, PriceAnswer(reason="unknown")) for one in questions}


def row(**said: Any) -> ImportedUsage:
    usage = {"start_ns": 0, "end_ns": 30 * DAY_NS, "costed": 1, "source": "openai",
             "vendor": "openai", "model": "big", "usage": Usage(in_uncached=1_000_000)}  # fmt: skip
    return ImportedUsage(**{**usage, **said})


def log(*days: tuple[int, int]) -> UsageImport:
    repeats = Repeats(
        calls=10,
        unseen=0,
        repeated=1,
        within_s=1,
        cost=sum(cost for cost, _ in days),
        repeated_cost=sum(again for _, again in days),
        days=[DayRepeats(number, 2, 1, *one) for number, one in enumerate(days)],
        near=Near(100, 1, 10, 20, "wordllama"),
    )
    return UsageImport(
        org="o", source="litellm", name="l", digest="d", start_ns=0, end_ns=1, lines=1, skipped=0,
        bad=0, rows=1, calls=10, repeats=msgspec.json.encode(repeats).decode(),
    )  # fmt: skip


def built(rows: list[ImportedUsage], *imports: UsageImport, **asked: Any) -> Report:
    found = build(imports, rows, Asked(org="o", **asked), ask)
    assert found is not None
    lines = sum(line.amount for line in found.lines)
    assert lines == found.before
    for column in range(3):
        saved = sum(step.saving[column] for step in found.outcome.steps)
        assert saved + found.outcome.after[column] == found.outcome.before
    return found


def test_a_bill_counts_once_beside_usage_and_logs() -> None:
    rows = [
        row(cost=3 * USD, usage=Usage()),
        row(costed=0, sku="usage report"),
        row(source="litellm", cost=3 * USD),
        row(source="langfuse", vendor="unknown", cost=3 * USD),
        row(source="litellm", vendor="mistral", cost=USD, model="m"),
        row(currency="EUR", cost=9 * USD),
    ]
    found = built(rows)
    assert found.before == round(4 * USD * 30.4375 / 30)
    assert len(found.left_out) == 4
    assert found.left_out[-1] == "1 lines in EUR: no rate to USD for their days (legato rates)"


def test_other_currencies_are_converted_by_the_rate_of_their_day() -> None:
    def rates(first: date, last: date) -> list[Rate]:
        assert (first, last) == (date(1970, 1, 1),) * 2
        return [Rate(first, "EUR", "USD", 1_250_000_000, "a contract")]

    rows = [row(cost=USD), row(currency="EUR", cost=8 * USD), row(currency="GBP", cost=USD)]
    found = build((), rows, Asked(org="o"), ask, rates=rates)
    assert found is not None
    assert found.before == round(11 * USD * 30.4375 / 30)
    assert found.left_out == [
        "converted to USD day by day, by a contract",
        "1 lines in GBP: no rate to USD for their days (legato rates)",
    ]
    unpriced = [row(costed=0, cost=0)]
    in_euro = build((), unpriced, Asked(org="o", currency="EUR"), ask, rates=rates)
    in_dollars = build((), unpriced, Asked(org="o"), ask, rates=rates)
    assert in_euro is not None
    assert in_dollars is not None
    assert abs(in_euro.before * 1.25 - in_dollars.before) < 2  # a list price is in dollars


def test_usage_without_a_cost_is_priced_and_what_has_no_price_is_told() -> None:
    rows = [row(costed=0, cost=0), row(costed=0, cost=0, model="nobody's")]
    found = built(rows)
    assert found.before == round(USD * 30.4375 / 30)
    assert found.left_out == ["1 lines of openai/nobody's: neither a cost nor a price is known"]


def test_levers_use_list_prices_at_the_discount_that_is_paid() -> None:
    found = built([row(cost=USD // 2)], routes={"big": "small"}, routable=HALF, batchable=HALF)
    month = round(USD / 2 * 30.4375 / 30)
    routing, batch = found.outcome.steps
    assert abs(routing.saving.point - month * 0.45) <= 1
    assert abs(batch.saving.point - (month - routing.saving.point) * 0.25) <= 1
    assert [one.partition(":")[0] for one in found.unknown] == ["cache", "prompt caching"]


def test_repeats_come_from_logs_by_the_day() -> None:
    days = [(100, 30), (100, 30), (200, 60), (100, 30), (100, 30)]
    found = built([row(cost=USD)], log(*days))
    assert found.repeat_share is not None
    assert found.repeat_share.point == 0.3
    cache, near = found.outcome.steps
    assert (cache.tag, near.tag) == (Tag.MEASURED, Tag.MODELLED)
    paid_again = next(line for line in found.lines if "again" in line.name)
    assert abs(paid_again.amount - found.outcome.before * 0.3) <= 1
    few = built([row(cost=USD)], log(*days[:2])).repeat_share
    assert few is not None
    assert few.low == 0  # two days say little


def test_labour_and_other_charges_are_lines_of_their_own() -> None:
    work = Labour(activity="incidents", hours=Decimal("2.5"), rate=100 * USD)
    found = built([row(cost=USD), row(cost=-USD // 2, charge="credit")], labour=[work])
    assert [line.name for line in found.lines] == [
        "models, each question once", "credit", "labour: incidents",
    ]  # fmt: skip
    assert found.lines[2].amount == 250 * USD
    assert as_json(found)["before"]["lines"][2]["tag"] == "assumed"


def test_a_vendor_is_scaled_by_the_time_its_own_reports_cover() -> None:
    year = row(vendor="anthropic", model="a", cost=365 * USD, end_ns=365 * DAY_NS)
    found = built([row(cost=30 * USD), year])
    assert found.before == 2 * round(30.4375 * USD)


def test_list_prices_are_a_model_of_what_was_paid() -> None:
    assert built([row(cost=USD)]).lines[0].tag is Tag.MEASURED
    listed = built([row(costed=0, cost=0)]).lines[0]
    assert (listed.tag, "1 lines at list prices" in listed.source) == (Tag.MODELLED, True)


def test_the_price_book_is_asked_only_where_a_price_is_needed() -> None:
    def refuse(questions: Collection[PriceQuestion]) -> Mapping[PriceQuestion, PriceAnswer]:
        raise AssertionError(questions)

    assert build([], [row(cost=USD)], Asked(org="o"), refuse) is not None


def test_nothing_of_the_currency_is_no_report() -> None:
    assert build([], [row(cost=1, currency="EUR")], Asked(org="o"), ask) is None
