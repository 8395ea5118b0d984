"""The savings statement: what is modelled by prices, beside what holdouts measured."""

from math import hypot

import msgspec

from legato.core.money import NanoUSD, display_usd

_NANO = 1e9


class ArmMetric(msgspec.Struct, frozen=True):
    """One metric of a holdout's arms: means, and the difference with its 95 % interval."""

    metric: str
    holdout: float | None
    treated: float | None
    difference: float | None
    low: float | None
    high: float | None


class MeasuredSaving(msgspec.Struct, frozen=True, kw_only=True):
    """What one holdout measured in a period, in USD; None while there is too little."""

    holdout_id: str
    route: str
    requests: int
    held_out: int
    saved_usd: float | None = None
    low_usd: float | None = None
    high_usd: float | None = None
    is_proven: bool = False
    requests_needed: int | None = None
    unpriced: int = 0
    quality: tuple[ArmMetric, ...] = ()
    """Of the same arms: errors, latency, thumbs and scores."""


class SavingsStatement(msgspec.Struct, frozen=True, kw_only=True):
    """Bars from the baseline to the cost, in nano-USD, and what was measured beside them."""

    period: str
    bars: tuple[tuple[str, int], ...]
    requests: int
    cost: int
    saved: int
    """Modelled: baseline minus cost, the sum of all steps."""
    unpriced: int
    measured: tuple[MeasuredSaving, ...]
    headline: str
    modelled: tuple[str, ...]
    """What of it is a model, in sentences."""
    queries: tuple[str, ...]


MODELLED = (
    "The baseline is charged for the answer that was given: another would be longer or shorter.",
    "What each step saved depends on their order, which is always the same.",
)


def headline(saved: int, measured: tuple[MeasuredSaving, ...]) -> str:
    """Say the measured interval where there is one; else that it is modelled, and what is needed.

    Holdouts of several routes are independent: their figures add up, their half-widths as the
    root of the sum of squares.
    """
    proven = [one for one in measured if one.is_proven and one.saved_usd is not None]
    modelled = f"${display_usd(NanoUSD(saved))} by prices"
    if not proven:
        needed = [one.requests_needed for one in measured if one.requests_needed is not None]
        more = (
            f"about {max(needed):,} more requests in the holdout's route needed" if needed else ""
        )
        told = more or (
            "holdouts show no difference yet" if measured else "no holdout is under way"
        )
        return f"modelled, not measured: {modelled} ({told})"
    figure = sum(one.saved_usd or 0.0 for one in proven)
    below = hypot(*((one.saved_usd or 0.0) - (one.low_usd or 0.0) for one in proven))
    above = hypot(*((one.high_usd or 0.0) - (one.saved_usd or 0.0) for one in proven))
    routes = ", ".join(sorted({one.route for one in proven}))
    low, high = _usd(figure - below), _usd(figure + above)
    return f"measured: {_usd(figure)} saved by {routes} (95 %: {low} to {high}); {modelled} in all"


def _usd(amount: float) -> str:
    return f"-${-amount:,.4f}" if amount < 0 else f"${amount:,.4f}"
