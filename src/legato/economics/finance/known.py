"""The assumptions that the financial model knows: what each means, its unit and its bounds.

A value that ships with Legato is tagged *assumed* and says where it is from. What is money or of
one's own house ships with none: a made-up figure would look like a finding.
"""

from decimal import Decimal
from typing import Final

import msgspec

CUSTOM: Final = "custom."
"""How names of one's own begin; the model doesn't read them, reports may."""
_USD: Final = "USD"
_USD_MONTH: Final = "USD per month"
_SHARE: Final = "share"
_AMOUNT_MAX: Final = Decimal(9_000_000_000)
_TEI: Final = "Forrester, Total Economic Impact methodology"
_OURS: Final = "assumed by Legato until you say better"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One name: `value`, `low` and `high` are decimal texts, "" where none ships."""

    unit: str
    means: str
    at_least: Decimal = Decimal(0)
    at_most: Decimal = _AMOUNT_MAX
    value: str = ""
    low: str = ""
    high: str = ""
    source: str = ""
    scoped: bool = False
    """Whether it may be said of one feature: NAME@TEAM/FEATURE."""


def _share(means: str, value: str, ends: tuple[str, str], source: str) -> Known:
    low, high = ends
    return Known(
        unit=_SHARE,
        means=means,
        at_most=Decimal(1),
        value=value,
        low=low,
        high=high,
        source=source,
    )


def _month(means: str, *, scoped: bool = False) -> Known:
    return Known(unit=_USD_MONTH, means=means, scoped=scoped)


KNOWN: Final[dict[str, Known]] = {
    "discount.rate_year": Known(
        unit="share per year",
        means="what a dollar in a year is worth less than one today",
        at_most=Decimal(5),
        value="0.10",
        low="0.08",
        high="0.16",
        source=f"{_TEI}: 10 % by default, organisations use 8 to 16 %",
    ),
    "horizon.months": Known(
        unit="months",
        means="how far the plan looks",
        at_least=Decimal(1),
        at_most=Decimal(120),
        value="36",
        source=f"{_TEI}: three years",
    ),
    "ramp.months": Known(
        unit="months",
        means="until savings and benefits are whole; they grow evenly until then",
        at_most=Decimal(60),
        value="3",
        low="1",
        high="6",
        source=_OURS,
    ),
    "risk.benefits_down": _share(
        "by which savings and benefits are cut for risk",
        "0.10",
        ("0.05", "0.20"),
        f"{_TEI} cuts benefits for risk; by how much is {_OURS}",
    ),
    "risk.costs_up": _share(
        "by which costs that Legato brings are raised for risk",
        "0.10",
        ("0.05", "0.20"),
        f"{_TEI} raises costs for risk; by how much is {_OURS}",
    ),
    "volume.growth_month": Known(
        unit="share per month",
        means="by which the volume, and all that goes with it, grows each month",
        at_least=Decimal("-0.5"),
        at_most=Decimal(1),
        value="0",
        source="no growth until you say so",
    ),
    "initial.usd": Known(unit=_USD, means="what is spent once, before the first month"),
    "before.ai_usd_month": _month("spend on models without Legato"),
    "before.labour_usd_month": _month("work on what Legato takes over, without it"),
    "before.other_usd_month": _month("tools and machines that Legato replaces"),
    "after.ai_usd_month": _month("spend on models with Legato"),
    "after.labour_usd_month": _month("work that is left, with Legato"),
    "after.other_usd_month": _month("machines, licences and operation of Legato"),
    "benefits.usd_month": _month("benefits beyond cost, in a month"),
    "revenue.usd_per_request": Known(unit="USD per request", means="what a request earns"),
    "margin.floor": _share(
        "the contribution margin below which a volume isn't viable", "0", ("", ""), _OURS
    ),
    "peak.factor": Known(
        unit="ratio",
        means="requests of the busiest minute over those of an average one",
        at_least=Decimal(1),
        at_most=Decimal(10_000),
        value="4",
        source=_OURS,
    ),
    "cogs.other_usd_month": Known(
        unit=_USD_MONTH, means="cost of what a feature sells beside AI and review", scoped=True
    ),
    "pnl.planned_revenue_usd_month": _month("revenue of a feature that is planned", scoped=True),
    "pnl.planned_ai_usd_month": _month("its spend on models then", scoped=True),
    "pnl.planned_other_usd_month": _month("its other costs then, review included", scoped=True),
    "machine.hour_usd": Known(unit="USD per hour", means="a machine that serves a local model"),
    "machine.hours_month": Known(
        unit="hours per month",
        means="how long such a machine is paid for in a month",
        at_least=Decimal(1),
        at_most=Decimal(744),
        value="730",
        source="365 days of 24 hours over 12 months",
    ),
    "machine.utilisation": Known(
        unit=_SHARE,
        means="of what was measured, how much is used on average",
        at_least=Decimal("0.001"),
        at_most=Decimal(1),
        value="0.4",
        low="0.2",
        high="0.7",
        source=_OURS,
    ),
    "machine.count_max": Known(
        unit="machines", means="how many there can be", at_least=Decimal(1), at_most=Decimal(10_000)
    ),
    "machine.operations_usd_month": _month("people and hosting around own machines"),
    "mix.read_per_written": Known(
        unit="ratio",
        means="tokens read for each that is written, where no traffic tells",
        at_least=Decimal("0.001"),
        at_most=Decimal(10_000),
        value="3",
        low="1",
        high="10",
        source=_OURS,
    ),
    "speed.prompt_per_s": Known(
        unit="tokens per second",
        means="read by one machine, where `legato local bench` wasn't run",
        at_least=Decimal("0.001"),
    ),
    "speed.generated_per_s": Known(
        unit="tokens per second",
        means="written by one machine, all its slots together",
        at_least=Decimal("0.001"),
    ),
    "tune.once_usd": Known(unit=_USD, means="labelling, training and evaluating a model, once"),
    "tune.upkeep_usd_month": _month("training it again, serving it, watching it"),
    "fx.": Known(
        unit="USD per unit of the currency",
        means="what one unit of a currency is in dollars: fx.eur, fx.gbp",
        at_least=Decimal("0.000001"),
        at_most=Decimal(1_000_000),
    ),
}


def known_of(name: str) -> Known | None:
    """Return what is known of a name, None for one that the model doesn't know."""
    base, at, scope = name.partition("@")
    if base.startswith("fx.") and len(base) == len("fx.eur") and not at:
        return KNOWN["fx."]
    found = KNOWN.get(base)
    if found is None or base == "fx." or (at and not (found.scoped and scope)):
        return None
    return found
