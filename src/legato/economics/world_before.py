"""What a month costs before anything changes, and what it would cost after.

Steps come one after the other in a fixed order, each over what the ones before it left, so nothing
is saved twice. Every step is a difference of amounts that are rounded already, in each of three
columns, so steps and remainder sum to what was before, to the nano-unit.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec

from legato.core.money import NanoUSD, round_ratio

_MONTH_DAYS: Final = Fraction(36525, 1200)
"""30.4375: a twelfth of a Julian year."""
_NS_PER_DAY: Final = 86_400 * 10**9


class Tag(StrEnum):
    """How far a figure is to be believed."""

    MEASURED = "measured"
    MODELLED = "modelled"
    ASSUMED = "assumed"


class Range(NamedTuple):
    """Amounts of the three columns."""

    low: int
    point: int
    high: int


class Shares(msgspec.Struct, frozen=True):
    """A share in [0, 1] with its bounds, and where it comes from."""

    low: Decimal
    point: Decimal
    high: Decimal
    tag: Tag
    source: str

    def columns(self) -> tuple[Decimal, Decimal, Decimal]:
        """Return them in order."""
        return self.low, self.point, self.high


class ModelCost(msgspec.Struct, frozen=True, kw_only=True):
    """A month of one model; what it would cost otherwise is None where no price is known."""

    name: str
    cost: int
    elsewhere: int | None = None
    """On the model that the routing step would choose."""
    cached_prefix: int | None = None
    """Were all its uncached input read from the vendor's own cache."""
    batch: int | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one lever changes in a month; positive lowers the cost."""

    name: str
    saving: Range
    tag: Tag
    source: str


class Outcome(msgspec.Struct, frozen=True):
    """All steps in their order, and what is left of the models' cost."""

    before: int
    steps: list[Step]
    after: Range


class Levers(msgspec.Struct, frozen=True, kw_only=True):
    """Which share of calls each lever reaches; None where nobody knows."""

    repeats: Shares | None = None
    near: Shares | None = None
    routing: Shares | None = None
    prompt_cache: Shares | None = None
    batch: Shares | None = None


def monthly(amount: int, start_ns: int, end_ns: int) -> int:
    """Return an amount of some days as one of a month, rounded half-even."""
    days = Fraction(end_ns - start_ns, _NS_PER_DAY)
    share = _MONTH_DAYS / days
    return round_ratio(amount * share.numerator, share.denominator)


def would_change(models: Sequence[ModelCost], levers: Levers) -> Outcome:
    """Apply the levers: cache, near cache, routing, prompt cache, batch."""
    left = [[model.cost] * 3 for model in models]
    before = sum(model.cost for model in models)
    steps: list[Step] = []
    plan = (
        ("answered from the cache", levers.repeats, [0] * len(models)),
        ("answered from the semantic cache", levers.near, [0] * len(models)),
        ("sent to a cheaper model", levers.routing, [one.elsewhere for one in models]),
        ("read from the vendor's prompt cache", levers.prompt_cache,
         [one.cached_prefix for one in models]),
        ("done in batches", levers.batch, [one.batch for one in models]),
    )  # fmt: skip
    for name, shares, otherwise in plan:
        if shares is None:
            continue
        saved = [0, 0, 0]
        for place, (model, other) in enumerate(zip(models, otherwise, strict=True)):
            if other is None or model.cost <= 0 or other >= model.cost:
                continue
            for column, share in enumerate(shares.columns()):
                part = Fraction(share) * Fraction(model.cost - other, model.cost)
                saving = _of(left[place][column], part)
                left[place][column] -= saving
                saved[column] += saving
        steps.append(Step(name=name, saving=Range(*saved), tag=shares.tag, source=shares.source))
    return Outcome(before, steps, Range(*(sum(one[column] for one in left) for column in range(3))))


def total(amounts: Iterable[int]) -> NanoUSD:
    """Return a sum of amounts."""
    return NanoUSD(sum(amounts))


def _of(amount: int, share: Fraction) -> int:
    return round_ratio(amount * share.numerator, share.denominator)
