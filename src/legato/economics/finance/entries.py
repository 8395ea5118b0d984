"""What the gateway can't measure: hours of work, revenue, and benefits beyond cost.

Each has a month, a feature and an amount in nano-USD, made once when it is said and never again.
"""

import hashlib
import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, amount
from legato.economics.finance.assumptions import Tag, figure

_MONTH: Final = re.compile(r"(19|20|21)\d\d-(0[1-9]|1[0-2])")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_MILLI: Final = 1000
_USD_MAX: Final = 10**18  # a billion dollars: sums of rows have to stay within 64 bits
_HOURS_MAX: Final = Decimal(10_000_000)
Text = Annotated[str, Meta(max_length=200)]
Named = Annotated[str, Meta(max_length=128)]
Figure = Annotated[str, Meta(max_length=30)]
RateOf = Callable[[str, str], tuple[str, str]]
"""Gives dollars for one unit of a currency in a month, and the source; raises InvalidRequest."""


class EntryKind(StrEnum):
    """Three kinds of rows."""

    LABOUR = "labour"
    REVENUE = "revenue"
    BENEFIT = "benefit"


class Phase(StrEnum):
    """When work is done."""

    BEFORE = "before"
    AFTER = "after"


class Activity(StrEnum):
    """What work is done: building is paid once, reviewing belongs to what a feature sells."""

    RUN = "run"
    REVIEW = "review"
    BUILD = "build"


class Benefit(StrEnum):
    """Benefits beyond cost."""

    HOURS_RECLAIMED = "hours_reclaimed"
    DEALS_UNBLOCKED = "deals_unblocked"
    MODEL_SWAPPED = "model_swapped"
    TICKETS_AVOIDED = "tickets_avoided"
    OTHER = "other"


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    period: Figure
    """The month, as 2026-08."""
    team: Named = ""
    feature: Named = ""
    source: Text = ""
    external_id: Text = ""
    """What the books it comes from call it; the same again has no second effect."""


class LabourSaid(_Said, frozen=True, kw_only=True):
    """Hours of a role at a loaded rate: wage, charges and overhead of an hour."""

    hours: Figure
    usd_per_hour: Figure
    role: Named
    phase: Phase = Phase.AFTER
    activity: Activity = Activity.RUN


class RevenueSaid(_Said, frozen=True, kw_only=True):
    """What a feature earned in a month; negative for what was paid back.

    Other currencies than USD need `usd_rate`, or an assumption `fx.CUR` that holds in the month.
    """

    amount: Figure
    currency: Figure = "USD"
    usd_rate: Figure = ""


class BenefitSaid(_Said, frozen=True, kw_only=True):
    """So much of something that is worth so many dollars each."""

    kind: Benefit
    quantity: Figure
    usd_each: Figure
    tag: Tag = Tag.ASSUMED


EntrySaid = LabourSaid | RevenueSaid | BenefitSaid
SAID: Final[dict[EntryKind, type[EntrySaid]]] = {
    EntryKind.LABOUR: LabourSaid,
    EntryKind.REVENUE: RevenueSaid,
    EntryKind.BENEFIT: BenefitSaid,
}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it is kept. `details` are the kind's own fields, as columns have them."""

    kind: EntryKind
    team: str
    feature: str
    period: str
    usd: NanoUSD
    source: str
    external_id: str
    details: dict[str, str | int]


class EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A kept row, with whose it is and who said it when."""

    id: str
    org: str
    entry: Entry
    author: str
    at_ns: int


def entry_of(said: EntrySaid, rate_of: RateOf) -> Entry:
    """Return what was said as a row; its external id may be "".

    Raises:
        InvalidRequest: naming the field.
    """
    if not _MONTH.fullmatch(said.period):
        raise InvalidRequest("period: write a month, as 2026-08", param="period")
    if said.feature and not said.team:
        raise InvalidRequest("team: a feature belongs to a team: name it", param="team")
    match said:
        case LabourSaid():
            kind, (usd, details) = EntryKind.LABOUR, _labour(said)
        case RevenueSaid():
            kind, (usd, details) = EntryKind.REVENUE, _revenue(said, rate_of)
        case _:
            kind, (usd, details) = EntryKind.BENEFIT, _benefit(said)
    return Entry(
        kind=kind,
        team=said.team,
        feature=said.feature,
        period=said.period,
        usd=usd,
        source=said.source,
        external_id=said.external_id,
        details=details,
    )


def named_by_content(entries: list[Entry]) -> list[Entry]:
    """Give those without an external id one by their content, so that a file counts once.

    The same line twice in a file is two rows; the file again adds none.
    """
    seen: dict[str, int] = {}
    named = []
    for one in entries:
        if one.external_id:
            named.append(one)
            continue
        digest = hashlib.sha256(msgspec.json.encode(one, order="sorted")).hexdigest()[:24]
        seen[digest] = seen.get(digest, 0) + 1
        named.append(msgspec.structs.replace(one, external_id=f"line:{digest}:{seen[digest]}"))
    return named


def _labour(said: LabourSaid) -> tuple[NanoUSD, dict[str, str | int]]:
    if not said.role:
        raise InvalidRequest("role: say whose hours these are, as support agent", param="role")
    hours = _within(said.hours, "hours", _HOURS_MAX)
    rate = _usd(_within(said.usd_per_hour, "usd_per_hour", _HOURS_MAX), "usd_per_hour")
    details: dict[str, str | int] = {
        "role": said.role,
        "phase": said.phase.value,
        "activity": said.activity.value,
        "hours_milli": _milli(hours, "hours"),
        "usd_per_hour": rate,
    }
    return _times(hours, rate, "hours"), details


def _revenue(said: RevenueSaid, rate_of: RateOf) -> tuple[NanoUSD, dict[str, str | int]]:
    if not _CURRENCY.fullmatch(said.currency):
        raise InvalidRequest("currency: write three capitals, as EUR", param="currency")
    original = _usd(figure(said.amount, "amount"), "amount")
    if said.currency == "USD":
        if said.usd_rate not in {"", "1"}:
            raise InvalidRequest("usd_rate: a dollar is a dollar: leave it out", param="usd_rate")
        rate, source = "1", ""
    elif said.usd_rate:
        rate, source = said.usd_rate, "said with the entry"
    else:
        rate, source = rate_of(said.currency, said.period)
    per_unit = figure(rate, "usd_rate")
    if per_unit <= 0:
        raise InvalidRequest("usd_rate: more than 0", param="usd_rate")
    details: dict[str, str | int] = {
        "currency": said.currency,
        "amount": original,
        "usd_rate": rate,
        "rate_source": source,
    }
    return _times(per_unit, original, "amount"), details


def _benefit(said: BenefitSaid) -> tuple[NanoUSD, dict[str, str | int]]:
    quantity = _within(said.quantity, "quantity", _HOURS_MAX)
    each = _usd(_within(said.usd_each, "usd_each", _HOURS_MAX), "usd_each")
    details: dict[str, str | int] = {
        "benefit": said.kind.value,
        "quantity_milli": _milli(quantity, "quantity"),
        "usd_each": each,
        "tag": said.tag.value,
    }
    return _times(quantity, each, "quantity"), details


def _within(text: str, field: str, most: Decimal) -> Decimal:
    number = figure(text, field)
    if not 0 <= number <= most:
        raise InvalidRequest(f"{field}: between 0 and {most}, not {number}", param=field)
    return number


def _milli(number: Decimal, field: str) -> int:
    milli = number * _MILLI
    if milli != milli.to_integral_value():
        raise InvalidRequest(f"{field}: at most three decimals", param=field)
    return int(milli)


def _usd(number: Decimal, field: str) -> NanoUSD:
    try:
        nano = amount(number)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", param=field) from None
    if abs(nano) > _USD_MAX:
        raise InvalidRequest(f"{field}: at most a billion", param=field)
    return nano


def _times(factor: Decimal, nano: NanoUSD, field: str) -> NanoUSD:
    """Multiply, rounded half-even once."""
    product = int((factor * nano).to_integral_value(ROUND_HALF_EVEN))
    if abs(product) > _USD_MAX:
        raise InvalidRequest(f"{field}: it comes to more than a billion dollars", param=field)
    return NanoUSD(product)
