"""Profit and loss of features, and the field's bands.

Bands are those of design documents on AI-first software: cost of models over 40 % of revenue is
low, 15 to 25 % the median, under 10 % elite; a request over $0.10, 0.01 to 0.05, under 0.005; of
features, under 30 %, 50 to 60 %, over 80 % pay.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from legato.core.money import NanoUSD, round_ratio
from legato.economics.finance.assumptions import Input
from legato.economics.finance.figures import FeaturePnl, Pnl
from legato.economics.finance.planning import ratio

Place = tuple[str, str, str]
"""Organisation, team, feature."""
_NANO: Final = 10**9
_AI_BANDS: Final = (
    (Decimal("0.10"), "elite"),
    (Decimal("0.15"), "above median"),
    (Decimal("0.25"), "median"),
    (Decimal("0.40"), "below median"),
)
_REQUEST_BANDS: Final = (
    (Decimal("0.005"), "elite"),
    (Decimal("0.01"), "above median"),
    (Decimal("0.05"), "median"),
    (Decimal("0.10"), "below median"),
)
_FEATURE_BANDS: Final = (
    (Decimal("0.30"), "low"),
    (Decimal("0.50"), "below median"),
    (Decimal("0.60"), "median"),
    (Decimal("0.80"), "above median"),
)


class Costs(msgspec.Struct, kw_only=True):
    """What books and ledger say of one feature over the months."""

    revenue: int = 0
    ai: int = 0
    review: int = 0
    other: int = 0
    requests: int = 0
    unpriced: int = 0
    has_revenue: bool = False
    has_other: bool = False


def profit_and_loss(
    months: tuple[str, str],
    found: Iterable[tuple[Place, Costs]],
    inputs: Sequence[Input],
    queries: Sequence[str] = (),
) -> Pnl:
    """Return all features and their total; `months` are the first and the last."""
    listed = sorted(found, key=lambda one: one[0])
    features = [feature_pnl(place, costs) for place, costs in listed]
    total = Costs()
    for _, one in listed:
        total.revenue += one.revenue
        total.ai += one.ai
        total.review += one.review
        total.other += one.other
        total.requests += one.requests
        total.unpriced += one.unpriced
        total.has_revenue = total.has_revenue or one.has_revenue
        total.has_other = total.has_other or one.has_other
    known = [one for one, (_, costs) in zip(features, listed, strict=True) if costs.has_revenue]
    paying = sum(one.contribution_nano > 0 for one in known)
    share = ratio(paying, len(known))
    return Pnl(
        since=months[0],
        until=months[1],
        features=features,
        total=feature_pnl(("", "", "all"), total),
        profitable_share=share,
        profitable_told=f"{paying} of {len(known)} features with revenue pay;"
        f" {len(features) - len(known)} have none in the books",
        profitable_band=_rising(share),
        inputs=list(inputs),
        queries=list(queries),
    )


def feature_pnl(place: Place, one: Costs) -> FeaturePnl:
    """Return one feature's: contribution is revenue minus models, review and other costs."""
    contribution = one.revenue - one.ai - one.review - one.other
    per_request = round_ratio(one.ai, one.requests) if one.requests else None
    told = []
    if not one.has_revenue:
        told.append("no revenue in the books: margins have no value")
    if one.unpriced:
        told.append(f"{one.unpriced} attempts have no price: the cost of models is a lower bound")
    if not one.has_other:
        told.append("no other costs are said: cogs.other_usd_month")
    ai_share = ratio(one.ai, one.revenue)
    request = "" if per_request is None else format(Decimal(per_request) / _NANO, "f")
    org, team, feature = place
    return FeaturePnl(
        org=org,
        team=team,
        feature=feature,
        revenue_nano=NanoUSD(one.revenue),
        ai_nano=NanoUSD(one.ai),
        review_nano=NanoUSD(one.review),
        other_nano=NanoUSD(one.other),
        contribution_nano=NanoUSD(contribution),
        margin_after_ai=ratio(one.revenue - one.ai, one.revenue),
        contribution_margin=ratio(contribution, one.revenue),
        ai_of_revenue=ai_share,
        ai_of_cogs=ratio(one.ai, one.ai + one.review + one.other),
        ai_band=band(ai_share, _AI_BANDS, "low"),
        requests=one.requests,
        unpriced=one.unpriced,
        cost_per_request_nano=per_request,
        cost_band=band(request, _REQUEST_BANDS, "low"),
        told=told,
    )


def band(value: str, bands: Sequence[tuple[Decimal, str]], last: str) -> str:
    """Return the band of a decimal text: the first whose end it is below; "" for no value.

    A value at the end of a band that has a name of the field's own (median) is in it.
    """
    if not value:
        return ""
    number = Decimal(value)
    for end, name in bands:
        if number < end or (number == end and name in {"median", "below median"}):
            return name
    return last


def _rising(share: str) -> str:
    if not share:
        return ""
    number = Decimal(share)
    for end, name in _FEATURE_BANDS:
        if number < end or (number == end and name in {"median", "above median"}):
            return name
    return "elite"
