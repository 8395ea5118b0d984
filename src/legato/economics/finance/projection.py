"""What more volume does: cost by drivers, and the volume at which it stops being viable.

A month's cost is volume x mix x unit cost, deployment by deployment: tokens at list price, cut by
tiers and held up by commitments; machines of local models come in whole ones. What the cache saves
grows with volume as was measured: of n requests K x n^b are new, Heaps' law (Information Retrieval,
1978), fitted on days.
"""

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

import msgspec

from legato.core.money import NanoUSD, exact_usd, round_ratio
from legato.economics.finance.figures import DriverAt, VolumeAt
from legato.economics.finance.flows import PRECISION, whole
from legato.economics.finance.method import paragraphs
from legato.economics.finance.planning import ratio

METHOD: Final = paragraphs(
    """
    Requests of each deployment grow as the requests that no cache answers; their mix stays.

    Cost: list price, cut by the tier that the month's list cost reaches (all of it), at least the
    commitment; a local model costs whole machines, each used machine.utilisation of the time.

    Peak: requests of an average minute times peak.factor, against the deployment's own limits.

    Viable: within limits and machine.count_max, and with a contribution margin of at least
    margin.floor where revenue is known.
    """
)
_MINUTES_PER_MONTH: Final = 43_800  # 365 days over 12
_COUNT_MAX: Final = 10**15
_DAYS_MIN: Final = 5
_REQUESTS_MIN: Final = 10
_SPREAD_MIN: Final = 1.5
_SHOWN: Final = Decimal("0.1")


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From so many dollars of list cost a month on, all of it costs this share less."""

    from_usd_month: str
    discount: str


class Driver(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One deployment in a month of today; money in dollars, as decimal texts.

    `machine_hour_usd` makes it a local model: its `usd` is what it was charged for time of use.
    """

    deployment: str
    requests: int
    usd: str
    tokens: int = 0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    machine_hour_usd: str | None = None
    tiers: list[Tier] = []
    commitment_usd_month: str = "0"


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A month of today: all requests, those a cache answered, and who answered the others.

    `new_exponent` is b of Heaps' law, 1 where nothing was measured: then the share stays.
    """

    requests: int
    cached: int = 0
    drivers: list[Driver]
    new_exponent: str = "1"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Assumptions a projection rests on."""

    peak_factor: Decimal
    margin_floor: Decimal
    revenue_per_request: Decimal | None
    utilisation: Decimal
    machine_hours_month: Decimal
    machines_max: int | None


def volume_at(base: Base, factor: int, terms: Terms) -> VolumeAt:
    """Return a month at so many times today's volume."""
    with localcontext(Context(prec=PRECISION)):
        new = base.requests - base.cached
        grown = Decimal(factor) ** Decimal(base.new_exponent)
        fresh = min(int((new * grown).to_integral_value(ROUND_HALF_EVEN)), base.requests * factor)
        found = [_driver_at(one, grown, terms) for one in base.drivers]
        drivers = [one for one, _ in found]
        limits = [told for _, several in found for told in several]
        requests = base.requests * factor
        cost = sum(one.cost_nano for one in drivers)
        revenue, margin = None, ""
        if terms.revenue_per_request is not None:
            revenue = whole(terms.revenue_per_request * requests * 10**9)
            margin = ratio(revenue - cost, revenue)
            if revenue <= 0 or Decimal(revenue - cost) / revenue < terms.margin_floor:
                limits.append(
                    f"the margin of {margin or 'no revenue'} is below margin.floor,"
                    f" {terms.margin_floor}: {usd(cost)} of {usd(revenue)}"
                )
        machines = sum(one.machines or 0 for one in drivers)
        if terms.machines_max is not None and machines > terms.machines_max:
            limits.append(f"{machines} machines, of machine.count_max {terms.machines_max}")
        return VolumeAt(
            factor=factor,
            requests=requests,
            cached_share=ratio(requests - fresh, requests),
            drivers=drivers,
            cost_nano=NanoUSD(cost),
            cost_per_request_nano=round_ratio(cost, requests) if requests else NanoUSD(0),
            revenue_nano=revenue,
            margin=margin,
            limits=limits,
        )


def first_stop(base: Base, most: int, terms: Terms) -> VolumeAt | None:
    """Return the first whole factor up to `most` that isn't viable, None where all are."""
    for factor in range(1, most + 1):
        found = volume_at(base, factor, terms)
        if found.limits:
            return found
    return None


def new_exponent(days: Iterable[tuple[int, int]]) -> tuple[float | None, str]:
    """Fit b of Heaps' law to days of (requests, of them not from a cache), by least squares.

    Returns None where the days don't say it, and why; else b, held between 0 and 1.
    """
    points = [
        (math.log(requests), math.log(new))
        for requests, new in days
        if requests >= _REQUESTS_MIN and new > 0
    ]
    if len(points) < _DAYS_MIN:
        return None, f"{len(points)} days of {_REQUESTS_MIN} requests or more: {_DAYS_MIN} needed"
    widest = math.exp(max(x for x, _ in points) - min(x for x, _ in points))
    if widest < _SPREAD_MIN:
        return None, f"days differ by {widest:.2f} times in volume: {_SPREAD_MIN} needed"
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum(
        (x - mean_x) ** 2 for x, _ in points
    )
    held = min(1.0, max(0.0, slope))
    return held, f"fitted on {len(points)} days: of n requests n^{held:.3f} are new"


def usd(nano: int) -> str:
    """Write an amount for a sentence."""
    return f"${exact_usd(NanoUSD(nano))[:-7]}"


def _driver_at(one: Driver, grown: Decimal, terms: Terms) -> tuple[DriverAt, list[str]]:
    listed = whole(Decimal(one.usd) * 10**9 * grown)
    requests = int((one.requests * grown).to_integral_value(ROUND_HALF_EVEN))
    machines, cost = None, _charged(one, listed)
    if one.machine_hour_usd is not None:
        hour = Decimal(one.machine_hour_usd)
        hours = Decimal(listed) / 10**9 / hour if hour > 0 else Decimal(0)
        capacity = terms.machine_hours_month * terms.utilisation
        machines = max(1, math.ceil(hours / capacity)) if requests else 0
        cost = whole(machines * hour * terms.machine_hours_month * 10**9)
    peak = Decimal(requests) / _MINUTES_PER_MONTH * terms.peak_factor
    shown = DriverAt(
        deployment=one.deployment,
        requests=requests,
        list_nano=listed,
        cost_nano=cost,
        machines=machines,
        peak_per_minute=format(peak.quantize(_SHOWN), "f"),
    )
    tokens = Decimal(one.tokens) * grown / _MINUTES_PER_MONTH * terms.peak_factor
    return shown, _over(one, peak, tokens)


def _over(one: Driver, requests: Decimal, tokens: Decimal) -> list[str]:
    found = []
    for what, number, limit in (
        ("requests", requests, one.requests_per_minute),
        ("tokens", tokens, one.tokens_per_minute),
    ):
        if limit is not None and number > limit:
            found.append(
                f"{one.deployment} takes {limit} {what} a minute; its peak is"
                f" {number.quantize(_SHOWN)}"
            )
    return found


def _charged(one: Driver, listed: NanoUSD) -> NanoUSD:
    reached = [tier for tier in one.tiers if Decimal(tier.from_usd_month) * 10**9 <= listed]
    discount = max((Decimal(tier.discount) for tier in reached), default=Decimal(0))
    committed = whole(Decimal(one.commitment_usd_month) * 10**9)
    return max(whole(listed * (1 - discount)), committed)


def wrong_in(base: Base) -> str:
    """Say what is wrong with a month that somebody wrote, naming the field; "" for nothing."""
    if not 0 <= base.cached <= base.requests <= _COUNT_MAX:
        return f"base.requests: 0 <= cached <= requests <= {_COUNT_MAX:,}"
    if not _is_figure(base.new_exponent, most=Decimal(1)):
        return "base.new_exponent: between 0 and 1"
    if len({one.deployment for one in base.drivers}) < len(base.drivers):
        return "base.drivers: a deployment is there twice"
    for one in base.drivers:
        figures = {"usd": one.usd, "commitment_usd_month": one.commitment_usd_month}
        if one.machine_hour_usd is not None:
            figures["machine_hour_usd"] = one.machine_hour_usd
        for number, tier in enumerate(one.tiers):
            figures[f"tiers[{number}].from_usd_month"] = tier.from_usd_month
            figures[f"tiers[{number}].discount"] = tier.discount
        for field, text in figures.items():
            if not _is_figure(text, most=Decimal(1) if field.endswith("discount") else None):
                return f"drivers.{one.deployment}.{field}: {text!r} is no figure that fits"
        if not 0 <= one.requests <= _COUNT_MAX or not 0 <= one.tokens <= _COUNT_MAX:
            return f"drivers.{one.deployment}.requests: between 0 and {_COUNT_MAX:,}"
    return ""


def _is_figure(text: str, most: Decimal | None) -> bool:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return False
    if not number.is_finite() or number < 0 or number.adjusted() > 12:  # noqa: PLR2004 - dollars
        return False
    return most is None or number <= most
