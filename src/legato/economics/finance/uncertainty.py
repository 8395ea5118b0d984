"""What a plan does where its figures are otherwise: cases, a tornado, and drawn figures.

The low case takes each figure at whichever of its ends lowers the net present value by itself, the
high case at the other: nobody has to say which way a figure points.
"""

import random
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, localcontext
from typing import Final

from legato.core.money import NanoUSD
from legato.economics.finance.assumptions import Input
from legato.economics.finance.figures import CaseFigures, Draws, Swing
from legato.economics.finance.planning import case_figures, npv_of, ratio

DRAWS: Final = 1_000
METHOD: Final = (
    "Low and high: every figure with a range at whichever of its ends lowers (raises) the NPV by"
    " itself. Tornado: one figure at a time, the others at their base. Drawn: each figure with a"
    " range from a triangle between its ends with its base as the peak, independently, seeded."
)
_BITS: Final = 53
_MONTHS: Final = "horizon.months"


def base_values(inputs: Sequence[Input]) -> dict[str, Decimal]:
    """Return the figures as they are."""
    return {one.name: one.number for one in inputs}


def tornado(inputs: Sequence[Input]) -> list[Swing]:
    """Return what each figure with a range does by itself, the widest first."""
    base, swings = base_values(inputs), []
    for one in inputs:
        low, high = one.ends
        if low == high:
            continue
        at_low, at_high = (npv_of(base | {one.name: end}) for end in (low, high))
        swings.append(
            Swing(
                name=one.name,
                low=one.low or one.value,
                high=one.high or one.value,
                npv_at_low_nano=at_low,
                npv_at_high_nano=at_high,
                swing_nano=NanoUSD(abs(at_high - at_low)),
            )
        )
    return sorted(swings, key=lambda one: (-one.swing_nano, one.name))


def cases(inputs: Sequence[Input], swings: Sequence[Swing]) -> list[CaseFigures]:
    """Return low, base and high."""
    base = base_values(inputs)
    worse = {
        one.name: Decimal(one.low if one.npv_at_low_nano <= one.npv_at_high_nano else one.high)
        for one in swings
    }
    better = {
        one.name: Decimal(one.high if one.npv_at_low_nano <= one.npv_at_high_nano else one.low)
        for one in swings
    }
    return [
        case_figures("low", base | worse),
        case_figures("base", base),
        case_figures("high", base | better),
    ]


def drawn(inputs: Sequence[Input], seed: int, draws: int = DRAWS) -> Draws | None:
    """Return what drawn figures come to; None where none has a range."""
    ranged = {one.name: (*one.ends, one.number) for one in inputs if one.ends[0] != one.ends[1]}
    if not ranged:
        return None
    base, dice = base_values(inputs), random.Random(seed)  # noqa: S311 - a simulation
    found = sorted(npv_of(base | _draw(ranged, dice)) for _ in range(draws))

    def quantile(percent: int) -> NanoUSD:
        return found[max(0, -(-percent * draws // 100) - 1)]  # nearest rank

    return Draws(
        draws=draws,
        seed=seed,
        p05_nano=quantile(5),
        p50_nano=quantile(50),
        p95_nano=quantile(95),
        positive_share=ratio(sum(one > 0 for one in found), draws),
    )


def _draw(
    ranged: Mapping[str, tuple[Decimal, Decimal, Decimal]], dice: random.Random
) -> dict[str, Decimal]:
    """Draw each from its triangle, by the inverse of its distribution function."""
    values = {}
    with localcontext(Context(prec=28)):
        for name, (low, high, peak) in ranged.items():
            chance = Decimal(dice.getrandbits(_BITS)) / 2**_BITS
            width = high - low
            if chance * width < peak - low:
                value = low + (chance * width * (peak - low)).sqrt()
            else:
                value = high - ((1 - chance) * width * (high - peak)).sqrt()
            values[name] = value.to_integral_value() if name == _MONTHS else value
    return values
