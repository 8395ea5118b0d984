"""What plans come to, as values: the source of tables, JSON, spreadsheets and pages.

A field that ends in `_nano` is money in nano-USD, an integer; ratios and rates are decimal texts,
"" where there is none, beside a sentence that says why. `plain` turns a value into JSON's types,
with `x_nano` as `x_usd` in dollars, exactly.
"""

from typing import Any

import msgspec

from legato.core.money import NanoUSD, exact_usd
from legato.economics.finance.assumptions import Input

_NANO = "_nano"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What all of these are."""


class Month(Figures, frozen=True, kw_only=True):
    """One month: costs without Legato and with it as they are, then what is counted of them.

    `savings`, `benefits` and `platform` are adjusted for risk; `net` is their balance, and
    `cumulative` begins with the initial cost.
    """

    month: int
    before_ai_nano: NanoUSD
    before_labour_nano: NanoUSD
    before_other_nano: NanoUSD
    after_ai_nano: NanoUSD
    after_labour_nano: NanoUSD
    after_other_nano: NanoUSD
    """Of what Legato replaces, while it still runs."""
    after_platform_nano: NanoUSD
    savings_nano: NanoUSD
    benefits_nano: NanoUSD
    platform_nano: NanoUSD
    net_nano: NanoUSD
    cumulative_nano: NanoUSD


class Year(Figures, frozen=True, kw_only=True):
    """One year, its flows put at its end; the initial cost is year 0. `factor` is 1/(1+rate)^y."""

    year: int
    gains_nano: NanoUSD
    costs_nano: NanoUSD
    net_nano: NanoUSD
    factor: str
    present_nano: NanoUSD


class TcoRow(Figures, frozen=True, kw_only=True):
    """One kind of cost over the horizon, neither discounted nor adjusted for risk."""

    what: str
    before_nano: NanoUSD
    after_nano: NanoUSD


class CaseFigures(Figures, frozen=True, kw_only=True):
    """One case: `low`, `base` or `high`."""

    name: str
    values: dict[str, str]
    initial_nano: NanoUSD
    """Adjusted for risk."""
    tco: list[TcoRow]
    months: list[Month]
    years: list[Year]
    npv_nano: NanoUSD
    roi: str
    roi_told: str
    irr: list[str]
    irr_told: str
    payback_months: str
    break_even_month: int | None
    break_even_told: str


class Swing(Figures, frozen=True, kw_only=True):
    """What one figure does to the net present value, the others as they are."""

    name: str
    low: str
    high: str
    npv_at_low_nano: NanoUSD
    npv_at_high_nano: NanoUSD
    swing_nano: NanoUSD


class Draws(Figures, frozen=True, kw_only=True):
    """Net present values of drawn figures; the same seed draws the same."""

    draws: int
    seed: int
    p05_nano: NanoUSD
    p50_nano: NanoUSD
    p95_nano: NanoUSD
    positive_share: str


class PlanFigures(Figures, frozen=True, kw_only=True):
    """A whole plan, with every figure it was made of and how it was made."""

    org: str
    currency: str
    discount_rate: str
    cases: list[CaseFigures]
    tornado: list[Swing]
    draws: Draws | None
    inputs: list[Input]
    method: list[str]


class FeaturePnl(Figures, frozen=True, kw_only=True):
    """Profit and loss of a feature over months; margins are shares of revenue."""

    org: str
    team: str
    feature: str
    revenue_nano: NanoUSD
    ai_nano: NanoUSD
    review_nano: NanoUSD
    other_nano: NanoUSD
    contribution_nano: NanoUSD
    margin_after_ai: str
    contribution_margin: str
    ai_of_revenue: str
    ai_of_cogs: str
    ai_band: str
    requests: int
    unpriced: int
    cost_per_request_nano: NanoUSD | None
    cost_band: str
    told: list[str]


class Pnl(Figures, frozen=True, kw_only=True):
    """All features within reach, their total, and how many of them pay."""

    since: str
    until: str
    features: list[FeaturePnl]
    total: FeaturePnl
    profitable_share: str
    profitable_told: str
    profitable_band: str
    inputs: list[Input]
    queries: list[str]
    """Of ledger and books, a line of JSON each."""


class DriverAt(Figures, frozen=True, kw_only=True):
    """One deployment at one volume, in a month."""

    deployment: str
    requests: int
    list_nano: NanoUSD
    cost_nano: NanoUSD
    machines: int | None
    peak_per_minute: str


class VolumeAt(Figures, frozen=True, kw_only=True):
    """A month at so many times today's volume; `limits` say why it isn't viable."""

    factor: int
    requests: int
    cached_share: str
    drivers: list[DriverAt]
    cost_nano: NanoUSD
    cost_per_request_nano: NanoUSD
    revenue_nano: NanoUSD | None
    margin: str
    limits: list[str]


class Projection(Figures, frozen=True, kw_only=True):
    """What volume does: some factors in full, and the first at which it isn't viable."""

    org: str
    days: str
    volumes: list[VolumeAt]
    stops_at: int | None
    stops_because: list[str]
    stops_told: str
    cache_told: str
    inputs: list[Input]
    method: list[str]


class CurvePoint(Figures, frozen=True, kw_only=True):
    """Tokens in a month, and what they cost either way."""

    tokens: int
    api_nano: NanoUSD
    own_nano: NanoUSD
    machines: int


class SelfHost(Figures, frozen=True, kw_only=True):
    """Own machines against an API, for tokens of one mix."""

    deployment: str
    model: str
    api_per_mtok_nano: NanoUSD
    own_per_mtok_full_nano: NanoUSD
    """On machines used as much as is assumed."""
    tokens_per_machine_month: int
    machine_month_nano: NanoUSD
    fixed_month_nano: NanoUSD
    break_even_tokens: int | None
    break_even_machines: int | None
    told: str
    tokens_now: int | None
    curve: list[CurvePoint]
    inputs: list[Input]
    method: list[str]


class FineTune(Figures, frozen=True, kw_only=True):
    """A trained smaller model against the one that is used."""

    from_deployment: str
    to_deployment: str
    once_nano: NanoUSD
    saved_per_request_pico: int
    upkeep_month_nano: NanoUSD
    requests_month: int
    break_even_requests: int | None
    break_even_month: int | None
    told: str
    inputs: list[Input]
    method: list[str]


class AccuracyPoint(Figures, frozen=True, kw_only=True):
    """One way to answer: its score in percent points and what a thousand answers cost."""

    name: str
    answers: int
    score: str
    cost_per_1000_nano: NanoUSD
    on_frontier: bool
    point_costs_nano: NanoUSD | None
    """What one more point costs per thousand answers, from the next cheaper on the frontier."""


class Accuracy(Figures, frozen=True, kw_only=True):
    """Accuracy and its price, cheapest first."""

    source: str
    scorer: str
    points: list[AccuracyPoint]
    told: list[str]
    method: list[str]


def plain(value: Any) -> Any:
    """Return JSON's types: money as exact dollars, under a name that says so."""
    if isinstance(value, msgspec.Struct):
        shown = {}
        for name in value.__struct_fields__:
            held = getattr(value, name)
            if name.endswith(_NANO):
                held = None if held is None else exact_usd(held)
                shown[name.removesuffix(_NANO) + "_usd"] = held
            else:
                shown[name] = plain(held)
        return shown
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value
