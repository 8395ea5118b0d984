"""A deployment is replaced only where the other one is cheaper, and shown to be as good."""

import pytest

from legato.core.money import NanoUSD, PicoUSD
from legato.core.price import Price
from legato.core.usage import Usage
from legato.economics.optimisation.lines import Basis, Line, Review, Topic
from legato.economics.optimisation.replacing import (
    Scores,
    Served,
    compared,
    replacements,
    scores_of,
)

BIG = Served("chat", "big", Usage(in_uncached=1_000, out_text=500), 10, 5_000_000)
PRICES = {
    "big": Price("b", in_uncached=PicoUSD(2_000_000), out_text=PicoUSD(6_000_000)),
    "small": Price("s", in_uncached=PicoUSD(1_000_000), out_text=PicoUSD(2_000_000)),
    "own": Price("o", machine_hour=NanoUSD(1)),
    "unpriced": None,
}
CHOICES = {"chat": ["big", "small", "own", "unpriced"], "other": ["small"]}


def test_the_same_tokens_are_charged_at_the_other_price() -> None:
    [found] = replacements([BIG], CHOICES, PRICES, {})
    assert (found.by, found.would_cost, found.saves) == ("small", 2_000_000, 3_000_000)
    assert found.quality is None
    assert not found.is_as_good, "nobody measured it"


def test_what_is_dearer_or_of_no_route_is_no_replacement() -> None:
    cheap = Served("chat", "small", BIG.usage, 10, 2_000_000)
    lost = Served("gone", "big", BIG.usage, 10, 5_000_000)
    assert replacements([cheap, lost], CHOICES, PRICES, {}) == []


@pytest.mark.parametrize(
    ("other", "good"),
    [
        (Scores(400, 0.80, 0.02), True),
        (Scores(400, 0.74, 0.02), False),
        (Scores(29, 0.95, 0.02), False),
    ],
)
def test_as_good_is_what_the_interval_shows(other: Scores, good: bool) -> None:  # noqa: FBT001
    scores = {"big": Scores(400, 0.80, 0.02), "small": other}
    [found] = replacements([BIG], CHOICES, PRICES, scores)
    assert found.is_as_good is good


def test_the_interval_is_welchs() -> None:
    one, other = scores_of([0.0, 1.0] * 50), scores_of([0.5, 1.0] * 50)
    quality = compared(one, other)
    assert quality is not None
    assert quality.difference == pytest.approx(0.25)
    # variances of 25/99 and 6.25/99, each over 100
    half = 1.96 * (25 / 9_900 + 6.25 / 9_900) ** 0.5
    assert (quality.low, quality.high) == pytest.approx((0.25 - half, 0.25 + half))
    assert compared(one, None) is None


def test_only_what_is_recommended_is_summed() -> None:
    def line(effect: int | None, *, recommended: bool) -> Line:
        return Line(
            topic=Topic.REPLACE, what="", advice="", basis=Basis.MODELLED, evidence="",
            effect=effect, recommended=recommended,
        )  # fmt: skip

    lines = (line(5, recommended=True), line(7, recommended=False), line(None, recommended=True))
    made = Review(org="o", month="2026-10", made_ns=0, spent=9, requests=1, lines=lines)
    assert made.found == 5
