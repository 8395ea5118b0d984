from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import (
    ClauseContains,
    ClauseEquals,
    ClauseRegex,
    ClauseStartsWith,
    ConditionalPrice,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from legato.core.usage import Usage
from legato.economics.catalogue import look_up
from legato.economics.cost import cost
from legato.economics.price_book import PriceAnswer, PriceQuestion

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADDRESS = "https://api.vendor.example/v1"
D = Decimal


def answered(
    prices: ModelPrice | list[ConditionalPrice],
    *,
    asked: str = "m",
    match: MatchLogic | None = None,
    address: str = ADDRESS,
    variants: list[PriceVariant] | None = None,
) -> PriceAnswer:
    model = ModelInfo("m", match or ClauseEquals("m"), prices=prices, price_variants=variants)
    vendor = Provider("vendor", "Vendor", r"https://api\.vendor\.example", models=[model])
    return look_up(PriceQuestion(asked, address), NOON, DataSnapshot([vendor], False))


def plain(**more: Decimal | TieredPrices) -> ModelPrice:
    return ModelPrice(**{"input_mtok": D("2.5"), "output_mtok": D(10), **more})


def test_a_price_per_million_becomes_pico_dollars_per_token() -> None:
    answer = answered(plain(cache_read_mtok=D("1.25")))
    assert answer.matched == "vendor/m"
    assert answer.price is not None
    assert answer.price.in_uncached == 2_500_000
    assert answer.price.cache_read == 1_250_000
    assert answer.price.out_text == answer.price.reasoning == 10_000_000
    assert answer.price.source.startswith("genai-prices ")
    assert cost(Usage(in_uncached=3, out_text=1), answer.price) == 17_500


def test_a_class_without_its_own_price_costs_what_its_parent_does() -> None:
    price = answered(plain(cache_write_mtok=D(3), input_audio_mtok=D(40))).price
    assert price is not None
    assert price.cache_read == price.image_in == price.in_uncached
    assert price.cache_write_5m == price.cache_write_1h == 3_000_000
    assert price.audio_in == 40_000_000


def test_writing_for_an_hour_has_its_own_price_where_the_vendor_has_one() -> None:
    price = answered(plain(cache_write_mtok=D(3), cache_write_1h_mtok=D(5))).price
    assert price is not None
    assert (price.cache_write_5m, price.cache_write_1h) == (3_000_000, 5_000_000)


def test_the_version_follows_the_prices() -> None:
    one, same = answered(plain()).price, answered(plain()).price
    other = answered(plain(cache_read_mtok=D(1))).price
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.version == same.version != other.version


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        (plain(input_mtok=TieredPrices(D(3), [Tier(200_000, D(6))])), "length of the context"),
        (plain(requests_kcount=D(5)), "requests_kcount"),
        (plain(input_video_mtok=D(9)), "input_video_mtok"),
        (plain(cache_audio_read_mtok=D(9)), "cache_audio_read_mtok"),
        (plain(output_citation_mtok=D(2)), "output_citation_mtok"),
        (plain(cache_read_mtok=D("0.0000004")), "finer than a pico-dollar"),
        (ModelPrice(), "no price per token"),
        (ModelPrice(input_mtok=D(1)), "no price for its output"),
        (ModelPrice(audio_hours=D("0.36")), "no price per token"),
    ],
)
def test_what_a_price_per_token_cannot_say_is_unpriced(prices: ModelPrice, why: str) -> None:
    answer = answered(prices)
    assert answer.price is None
    assert why in answer.reason
    assert answer.reason.endswith("Set the deployment's price in the configuration.")


def test_a_token_class_we_lack_is_no_matter_at_the_same_price() -> None:
    assert answered(plain(input_video_mtok=D("2.5"), input_text_mtok=D("2.5"))).price is not None


def test_the_vendors_own_tools_are_left_out_and_said_so() -> None:
    answer = answered(plain(web_searches_kcount=D(10)))
    assert answer.price is not None
    assert answer.notes == ("web searches by the vendor are not included",)


def test_a_finer_price_is_rounded_half_even_and_said_so() -> None:
    answer = answered(plain(cache_write_mtok=D("0.0833335")))
    assert answer.price is not None
    assert answer.price.cache_write_5m == 83_334
    assert answer.notes == ("cache_write_mtok 0.0833335 rounded to 0.083334",)


def test_an_embedding_model_needs_no_price_of_output() -> None:
    model = ModelInfo("embed-1", ClauseEquals("embed-1"), prices=ModelPrice(input_mtok=D("0.02")))
    vendor = Provider("vendor", "Vendor", r"https://api\.vendor\.example", models=[model])
    question = PriceQuestion("embed-1", ADDRESS)
    price = look_up(question, NOON, DataSnapshot([vendor], False)).price
    assert price is not None
    assert (price.in_uncached, price.out_text) == (20_000, 0)


def test_a_later_price_is_not_used_yet_but_announced() -> None:
    answer = answered(
        [
            ConditionalPrice(prices=plain()),
            ConditionalPrice(StartDateConstraint(date(2026, 5, 1)), prices=plain(input_mtok=D(3))),
            ConditionalPrice(StartDateConstraint(date(2026, 7, 1)), prices=plain(input_mtok=D(4))),
        ]
    )
    assert answer.price is not None
    assert answer.price.in_uncached == 3_000_000
    assert answer.until == "2026-07-01"


def test_a_price_by_the_hour_of_the_day_is_unpriced() -> None:
    night = TimeOfDateConstraint(time(0), time(8))
    answer = answered(
        [ConditionalPrice(prices=plain()), ConditionalPrice(night, prices=plain(input_mtok=D(1)))]
    )
    assert answer.price is None
    assert "hour of the day" in answer.reason


def test_a_variant_never_changes_the_standard_price() -> None:
    batch = PriceVariant({"processing": "batch"}, ModelPrice(input_mtok=D("1.25")))
    price = answered(plain(), variants=[batch]).price
    assert price is not None
    assert price.in_uncached == 2_500_000


def test_an_unknown_address_is_unpriced_whatever_the_model() -> None:
    answer = answered(plain(), address="http://127.0.0.1:9001/v1")
    assert (answer.price, answer.matched) == (None, "")
    assert "no vendor at this address" in answer.reason


def test_an_unknown_model_is_unpriced() -> None:
    assert "no model 'other'" in answered(plain(), asked="other").reason


@pytest.mark.parametrize(
    ("match", "asked", "priced"),
    [
        (ClauseStartsWith("m"), "m-20260101", True),
        (ClauseStartsWith("m"), "m-2026-01-01", True),
        (ClauseStartsWith("m"), "M-latest", True),
        (ClauseStartsWith("m"), "m@20260101", True),
        (ClauseStartsWith("m"), "m-turbo", False),
        (ClauseStartsWith("m"), "m2", False),
        (ClauseContains("m"), "team-m", False),
        (ClauseRegex(r"^m-\d$"), "m-7", True),
        (ClauseRegex(r"m-\d"), "m-7b", False),
    ],
)
def test_a_similar_name_is_not_the_model(match: MatchLogic, asked: str, *, priced: bool) -> None:
    answer = answered(plain(), match=match, asked=asked)
    assert (answer.price is not None) is priced
    assert answer.matched == "vendor/m"
    assert priced or "not surely the same" in answer.reason


def test_a_model_sold_on_by_another_vendor_is_marked() -> None:
    model = ModelInfo("m", ClauseEquals("m"), prices=plain())
    maker = Provider("maker", "Maker", "https://maker", models=[model])
    seller = Provider("seller", "Seller", "https://seller", fallback_model_providers=["maker"])
    snapshot = DataSnapshot([maker, seller], False)
    answer = look_up(PriceQuestion("m", "https://seller"), NOON, snapshot)
    assert answer.price is not None
    assert answer.notes == ("seller at the vendor's own price",)


def test_every_model_of_the_installed_catalogue_is_priced_or_says_why() -> None:
    addresses = ("https://api.openai.com/v1", "https://api.anthropic.com")
    for name in ("gpt-4o", "gpt-4o-mini", "claude-haiku-4-5", "whisper-1", "no-such-model"):
        for address in addresses:
            answer = look_up(PriceQuestion(name, address), NOON)
            assert (answer.price is None) is bool(answer.reason)
    known = look_up(PriceQuestion("gpt-4o-2024-05-13", addresses[0]), NOON).price
    assert known is not None
    assert (known.in_uncached, known.out_text) == (5_000_000, 15_000_000)


def test_a_batch_price_is_given_only_under_its_own_key() -> None:
    batch = PriceVariant({"processing": "batch"}, ModelPrice(input_mtok=D("1.25")))
    flex = PriceVariant({"service_tier": "flex"}, ModelPrice(input_mtok=D("0.5")))
    found = answered(plain(), variants=[flex, batch])
    assert found.price is not None
    assert found.batch is not None
    assert (found.price.in_uncached, found.batch.in_uncached) == (2_500_000, 1_250_000)
    assert found.batch.out_text == found.price.out_text
    assert found.batch.version != found.price.version
    assert answered(plain(), variants=[flex]).batch is None


def test_a_batch_price_to_come_is_announced_and_not_charged() -> None:
    later = StartDateConstraint(date(2026, 7, 1))
    batch = PriceVariant({"processing": "batch"}, ModelPrice(input_mtok=D(1)), constraint=later)
    found = answered(plain(), variants=[batch])
    assert (found.batch, found.until) == (None, "2026-07-01")
