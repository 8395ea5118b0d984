"""The ledger as FOCUS 1.2, the FinOps Foundation's form of cost and usage.

Of the columns of its dataset Cost and Usage: all that are mandatory, those recommended, and the
conditional ones that apply here (usage is measured, teams are sub accounts, regions, tags). What
Legato doesn't do has no column: capacity reservations, price lists, other currencies; of
commitments only the one that the rules for a consumed quantity look at, always null.
Our own columns begin with `x_`.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final, NamedTuple

import msgspec

from legato.core.errors import InvalidRequest, OperatorError
from legato.core.money import NanoUSD, exact_usd
from legato.core.records import EntryKind
from legato.core.usage import TOKEN_CLASSES
from legato.economics.fiscal import Calendar, Period, period_around

VERSION: Final = "1.2"
_NS_PER_S: Final = 1_000_000_000
_NS_PER_DAY: Final = 86_400 * _NS_PER_S
_ROWS_PER_GROUP: Final = 10_000
_OURSELVES: Final = "Legato"
Row = Mapping[str, Any]


class Column(NamedTuple):
    """One of the dataset: its type is text, time, decimal, whole or json."""

    name: str
    kind: str
    nullable: bool = False


COLUMNS: Final = (
    Column("BilledCost", "decimal"),
    Column("BillingAccountId", "text"),
    Column("BillingAccountName", "text", nullable=True),
    Column("BillingCurrency", "text"),
    Column("BillingPeriodEnd", "time"),
    Column("BillingPeriodStart", "time"),
    Column("ChargeCategory", "text"),
    Column("ChargeClass", "text", nullable=True),
    Column("ChargeDescription", "text", nullable=True),
    Column("ChargeFrequency", "text"),
    Column("ChargePeriodEnd", "time"),
    Column("ChargePeriodStart", "time"),
    Column("CommitmentDiscountStatus", "text", nullable=True),
    Column("ConsumedQuantity", "decimal", nullable=True),
    Column("ConsumedUnit", "text", nullable=True),
    Column("ContractedCost", "decimal"),
    Column("EffectiveCost", "decimal"),
    Column("InvoiceId", "text", nullable=True),
    Column("InvoiceIssuerName", "text"),
    Column("ListCost", "decimal"),
    Column("PricingQuantity", "decimal", nullable=True),
    Column("PricingUnit", "text", nullable=True),
    Column("ProviderName", "text"),
    Column("PublisherName", "text"),
    Column("RegionId", "text", nullable=True),
    Column("RegionName", "text", nullable=True),
    Column("ServiceCategory", "text"),
    Column("ServiceName", "text"),
    Column("ServiceSubcategory", "text"),
    Column("SubAccountId", "text", nullable=True),
    Column("SubAccountName", "text", nullable=True),
    Column("Tags", "json", nullable=True),
    Column("x_BaselineCost", "decimal", nullable=True),
    Column("x_Deployment", "text", nullable=True),
    Column("x_Entries", "whole"),
    Column("x_Feature", "text"),
    Column("x_InputTokens", "whole"),
    Column("x_Kind", "text"),
    Column("x_Model", "text", nullable=True),
    Column("x_OutputTokens", "whole"),
    Column("x_RequestId", "text", nullable=True),
)
_OUTPUT: Final = frozenset({"out_text", "reasoning", "audio_out", "image_out"})


class _Charge(msgspec.Struct):
    """What becomes a row: entries that are alike in all that isn't added up."""

    start_ns: int
    end_ns: int
    period: Period
    corrects: bool
    fields: Mapping[str, Any]
    request_id: str | None = None
    entries: int = 0
    cost: int = 0
    baseline: int = 0
    read: int = 0
    written: int = 0
    units: int = 0

    def add(self, entry: Row) -> None:
        """Add an entry up."""
        self.entries += 1
        self.cost += entry["cost"]
        self.baseline += entry["baseline_cost"] or 0
        for name in TOKEN_CLASSES:
            if name in _OUTPUT:
                self.written += entry[name]
            else:
                self.read += entry[name]
        self.units += entry["units"]


_ALIKE: Final = (
    "org", "team", "feature", "provider", "model", "deployment", "region", "kind", "tags",
)  # fmt: skip


def by_entry(entries: Iterable[Row], calendar: Calendar) -> Iterator[dict[str, Any]]:
    """Yield a row for each entry, its charge period the second it was made in.

    Raises:
        InvalidRequest: an entry has no price.
    """
    periods = _Periods(calendar)
    for entry in entries:
        start_ns = entry["at_ns"] // _NS_PER_S * _NS_PER_S
        charge = _charge(entry, periods, (start_ns, start_ns + _NS_PER_S))
        charge.request_id = entry["request_id"]
        charge.add(entry)
        yield _row(charge)


def by_day(entries: Iterable[Row], calendar: Calendar) -> Iterator[dict[str, Any]]:
    """Yield a row for each UTC day and all entries of it that are alike; raises as `by_entry`.

    Entries come in any order: all sums of them are held in memory.
    """
    periods = _Periods(calendar)
    found: dict[tuple[Any, ...], _Charge] = {}
    for entry in entries:
        day_ns = entry["at_ns"] // _NS_PER_DAY * _NS_PER_DAY
        charge = _charge(entry, periods, (day_ns, day_ns + _NS_PER_DAY))
        alike = [str(charge.fields[name]) for name in _ALIKE]
        key = (day_ns, charge.period.start_ns, charge.corrects, *alike)
        found.setdefault(key, charge).add(entry)
    for key in sorted(found):
        yield _row(found[key])


def _charge(entry: Row, periods: "_Periods", span: tuple[int, int]) -> _Charge:
    if entry["cost"] is None:
        msg = (
            f"entry {entry['id']} has no price, and FOCUS has no cost that is unknown: correct it"
            " with `legato ledger correct`, or leave such entries out with --without-unpriced"
        )
        raise InvalidRequest(msg)
    period = periods.around(entry["at_ns"])
    original = entry["original_at_ns"]
    # a correction, in the words of FOCUS, is of a billing period before
    corrects = original is not None and original < period.start_ns
    return _Charge(*span, period, corrects, {name: entry[name] for name in _ALIKE})


class _Periods:
    """Finds the period of a time; most entries lie in that of the one before."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._last = Period("", 0, 0)

    def around(self, at_ns: int) -> Period:
        if not self._last.start_ns <= at_ns < self._last.end_ns:
            self._last = period_around(self._calendar, at_ns)
        return self._last


def _row(charge: _Charge) -> dict[str, Any]:
    fields = charge.fields
    cost = exact_usd(NanoUSD(charge.cost))
    tokens = charge.read + charge.written
    quantity, unit = (tokens, "Tokens") if tokens or not charge.units else (charge.units, "Units")
    vendor = fields["provider"] or _OURSELVES
    if fields["kind"] == EntryKind.CACHE:
        vendor = _OURSELVES
    model = fields["model"] or fields["deployment"] or "cache"
    return {
        "BilledCost": cost,
        "BillingAccountId": fields["org"],
        "BillingAccountName": fields["org"],
        "BillingCurrency": "USD",
        "BillingPeriodEnd": _time(charge.period.end_ns),
        "BillingPeriodStart": _time(charge.period.start_ns),
        "ChargeCategory": "Usage",
        "ChargeClass": "Correction" if charge.corrects else None,
        "ChargeDescription": f"{fields['kind']} of {model} by {fields['team']}",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": _time(charge.end_ns),
        "ChargePeriodStart": _time(charge.start_ns),
        "CommitmentDiscountStatus": None,
        "ConsumedQuantity": f"{quantity}.0",
        "ConsumedUnit": unit,
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "InvoiceId": None,
        "InvoiceIssuerName": vendor,
        "ListCost": cost,
        "PricingQuantity": f"{quantity}.0",
        "PricingUnit": unit,
        "ProviderName": vendor,
        "PublisherName": vendor,
        "RegionId": fields["region"] or None,
        "RegionName": fields["region"] or None,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": model,
        "ServiceSubcategory": "Generative AI",
        "SubAccountId": fields["team"] or None,
        "SubAccountName": fields["team"] or None,
        "Tags": msgspec.json.encode(fields["tags"], order="sorted").decode(),
        "x_BaselineCost": exact_usd(NanoUSD(charge.baseline)),
        "x_Deployment": fields["deployment"] or None,
        "x_Entries": charge.entries,
        "x_Feature": fields["feature"],
        "x_InputTokens": charge.read,
        "x_Kind": fields["kind"],
        "x_Model": fields["model"] or None,
        "x_OutputTokens": charge.written,
        "x_RequestId": charge.request_id,
    }


def _time(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // _NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_csv(rows: Iterable[Row], output: IO[bytes]) -> int:
    """Write rows as CSV, null as nothing; return how many."""
    text = io.TextIOWrapper(output, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, [column.name for column in COLUMNS], lineterminator="\n")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    text.detach()
    return count


def write_parquet(rows: Iterable[Row], output: IO[bytes]) -> int:
    """Write rows as Parquet with decimals and times; return how many.

    Raises:
        OperatorError: what writes it isn't installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise OperatorError("Parquet needs an extra: pip install 'legato[parquet]'") from None
    from decimal import Decimal  # noqa: PLC0415

    types = {
        "text": pa.string(), "json": pa.string(), "whole": pa.int64(),
        "decimal": pa.decimal128(38, 9), "time": pa.timestamp("us", tz="UTC"),
    }  # fmt: skip
    read: dict[str, Callable[[Any], Any]] = {
        "decimal": Decimal, "time": datetime.fromisoformat,
    }  # fmt: skip
    schema = pa.schema(
        [pa.field(one.name, types[one.kind], nullable=one.nullable) for one in COLUMNS]
    )
    count, group = 0, []
    with parquet.ParquetWriter(output, schema) as writer:
        for row in rows:
            group.append(
                {
                    one.name: read[one.kind](row[one.name])
                    if one.kind in read and row[one.name] is not None
                    else row[one.name]
                    for one in COLUMNS
                }
            )
            count += 1
            if len(group) == _ROWS_PER_GROUP:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                group = []
        writer.write_table(pa.Table.from_pylist(group, schema=schema))
    return count
