"""The bodies of assumptions and entries, as they are sent and shown."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, field, structs

from legato.api.control.forms import Form, Shown, moment, usd
from legato.core.money import NanoUSD, exact_usd
from legato.economics.finance import assumptions as core
from legato.economics.finance.assumptions import Tag as CoreTag
from legato.economics.finance.entries import (
    Activity,
    Benefit,
    EntryRow,
    Phase,
)
from legato.economics.finance.known import known_of
from legato.storage.finance.entries import EntrySum as StoredSum

Org = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=200)]
Named = Annotated[str, Meta(max_length=128)]
Figure = Annotated[str, Meta(max_length=30)]
Month = Annotated[str, Meta(pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$")]
_MILLI = 1000


class NewAssumption(Form, frozen=True, kw_only=True):
    """The next version of a name; figures are decimal texts. An empty `value` takes it back."""

    name: Text
    value: Figure
    tag: Literal["measured", "assumed", "benchmark"] = "assumed"
    unit: Text = ""
    low: Figure = ""
    high: Figure = ""
    source: Text = ""
    valid_from: Figure = ""


class NewAssumptions(Form, frozen=True, kw_only=True):
    """Assumptions to be kept: all or none."""

    org: Org | None = None
    assumptions: Annotated[list[NewAssumption], Meta(min_length=1, max_length=1000)]


class Assumption(Shown, frozen=True, kw_only=True):
    """One version of one name; version 0 ships with Legato."""

    name: str
    version: int
    tag: str
    unit: str
    value: str
    low: str
    high: str
    source: str
    valid_from: str
    author: str
    at: str | None
    means: str


class Assumptions(Shown, frozen=True, kw_only=True):
    """Assumptions, by name and version."""

    data: list[Assumption]


class NewLabour(Form, frozen=True, kw_only=True):
    """Hours of a role at a loaded rate."""

    period: Month
    team: Named = ""
    feature: Named = ""
    role: Named
    hours: Figure
    usd_per_hour: Figure
    phase: Phase = Phase.AFTER
    activity: Activity = Activity.RUN
    source: Text = ""
    external_id: Text = ""


class NewRevenue(Form, frozen=True, kw_only=True):
    """What a feature earned in a month; negative for what was paid back."""

    period: Month
    team: Named = ""
    feature: Named = ""
    amount: Figure
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "USD"
    usd_rate: Figure = ""
    source: Text = ""
    external_id: Text = ""


class NewBenefit(Form, frozen=True, kw_only=True):
    """So much of something that is worth so many dollars each."""

    period: Month
    team: Named = ""
    feature: Named = ""
    kind: Benefit
    quantity: Figure
    usd_each: Figure
    tag: CoreTag = CoreTag.ASSUMED
    source: Text = ""
    external_id: Text = ""


class _NewEntries(Form, frozen=True, kw_only=True):
    org: Org | None = None
    replace: bool = False
    """Whether an entry with an external id that is there takes its place, instead of 409."""


class NewLabourEntries(_NewEntries, frozen=True, kw_only=True):
    """Labour to be kept: all or none."""

    entries: Annotated[list[NewLabour], Meta(min_length=1, max_length=1000)]


class NewRevenueEntries(_NewEntries, frozen=True, kw_only=True):
    """Revenue to be kept: all or none."""

    entries: Annotated[list[NewRevenue], Meta(min_length=1, max_length=1000)]


class NewBenefitEntries(_NewEntries, frozen=True, kw_only=True):
    """Benefits to be kept: all or none."""

    entries: Annotated[list[NewBenefit], Meta(min_length=1, max_length=1000)]


class Counted(Shown, frozen=True, kw_only=True):
    """What became of entries: those that were there already are left alone."""

    added: int
    unchanged: int
    replaced: int


class Entry(Shown, frozen=True, kw_only=True):
    """One entry; `details` are its kind's own fields."""

    id: str
    kind: str
    org: str
    team: str
    feature: str
    period: str
    usd: str
    details: dict[str, str]
    source: str
    external_id: str
    author: str
    at: str


class EntryPage(Shown, frozen=True, kw_only=True):
    """A page of entries, in the order they were brought."""

    data: list[Entry]
    next_cursor: str | None


class EntrySum(Shown, frozen=True, kw_only=True):
    """Entries of one month, feature and what they are, summed."""

    org: str
    team: str
    feature: str
    period: str
    what: str
    usd: str
    quantity: str
    rows: int


class EntrySums(Shown, frozen=True, kw_only=True):
    """All sums."""

    data: list[EntrySum] = field(default_factory=list)


def assumption_shown(one: core.Assumption) -> Assumption:
    """Return an assumption as it is shown."""
    known, plain = known_of(one.name), structs.asdict(one)
    at_ns = plain.pop("at_ns")
    return Assumption(
        **plain,
        at=moment(at_ns) if at_ns else None,
        means="" if known is None else known.means,
    )


def entry_shown(row: EntryRow) -> Entry:
    """Return an entry as it is shown: amounts in dollars, hours and quantities as they are."""
    one = row.entry
    return Entry(
        id=row.id,
        kind=one.kind.value,
        org=row.org,
        team=one.team,
        feature=one.feature,
        period=one.period,
        usd=exact_usd(one.usd),
        details=details_shown(one.details),
        source=one.source,
        external_id=one.external_id,
        author=row.author,
        at=moment(row.at_ns),
    )


def details_shown(details: dict[str, str | int]) -> dict[str, str]:
    """Return a kind's own fields as texts."""
    shown = {}
    for name, value in details.items():
        if name.endswith("_milli"):
            shown[name.removesuffix("_milli")] = milli(int(value))
        elif isinstance(value, int):
            shown[name] = exact_usd(NanoUSD(value))
        else:
            shown[name] = value
    return shown


def milli(number: int) -> str:
    """Return thousandths as a decimal text."""
    return str(Decimal(number) / _MILLI)


def sum_shown(one: StoredSum) -> EntrySum:
    """Return a sum as it is shown."""
    return EntrySum(
        org=one.org,
        team=one.team,
        feature=one.feature,
        period=one.period,
        what=one.what,
        usd=usd(one.usd) or "0",
        quantity=milli(one.quantity_milli),
        rows=one.rows,
    )
