"""Rows against the specification of FOCUS 1.2: columns, types, nullability, values."""

import csv
import io
import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.accounting.focus import COLUMNS, by_day, by_entry, write_csv, write_parquet
from legato.core.errors import InvalidRequest
from legato.core.usage import USAGE_CLASSES
from legato.economics.fiscal import Calendar

NS = 10**9
AT_NS = 1_790_000_000 * NS  # 2026-09-21
# chapter 2 and 3 of the specification: columns whose feature level is "Mandatory"
MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory",
    "ServiceName",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
DECIMAL = re.compile(r"-?\d+\.\d+")


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1, "request_id": "r1", "org": "acme", "team": "search", "feature": "bot",
        "provider": "openai", "model": "gpt", "deployment": "small", "region": "", "kind": "usage",
        "tags": {"env": "prod"}, "at_ns": AT_NS, "original_at_ns": None, "cost": 5,
        "baseline_cost": 9, **dict.fromkeys(USAGE_CLASSES, 0), "in_uncached": 3, "out_text": 4,
        **changes,
    }  # fmt: skip


entries = st.builds(
    entry,
    team=st.sampled_from(["a", "b", ""]),
    provider=st.sampled_from(["openai", ""]),
    kind=st.sampled_from(["usage", "cache", "retry", "correction"]),
    region=st.sampled_from(["eu", ""]),
    at_ns=st.integers(AT_NS, AT_NS + 60 * 86_400 * NS),
    original_at_ns=st.none() | st.integers(AT_NS - 60 * 86_400 * NS, AT_NS),
    cost=st.integers(-(10**12), 10**12),
    in_uncached=st.integers(-(10**6), 10**6),
    units=st.integers(0, 5),
)


def test_all_mandatory_columns_are_there_in_order() -> None:
    names = [column.name for column in COLUMNS]
    assert set(names) >= MANDATORY
    assert names == sorted(names, key=lambda name: (name.startswith("x_"), name))
    assert all(re.fullmatch(r"(x_)?[A-Z][A-Za-z]+", name) for name in names)


@given(st.lists(entries, max_size=20))
def test_every_row_has_the_types_and_values_of_the_specification(found: list[Any]) -> None:
    for shape in (by_entry, by_day):
        rows = list(shape(found, Calendar(zone="Europe/Berlin")))
        text = io.BytesIO()
        assert write_csv(rows, text) == len(rows)
        for row in csv.DictReader(io.StringIO(text.getvalue().decode())):
            conforms(row)
        billed = sum(Decimal(row["BilledCost"]) for row in rows)
        assert billed * NS == sum(one["cost"] for one in found)
        assert sum(row["x_Entries"] for row in rows) == len(found)


def conforms(row: dict[str, str]) -> None:
    for column in COLUMNS:
        value = row[column.name]
        if not value:
            assert column.nullable, column.name
        elif column.kind == "time":
            assert TIME.fullmatch(value), column.name
        elif column.kind == "decimal":
            assert DECIMAL.fullmatch(value), column.name
        elif column.kind == "whole":
            assert str(int(value)) == value
        elif column.kind == "json":
            assert all(isinstance(one, str) for one in json.loads(value).values())
    assert row["ChargeCategory"] == "Usage"
    assert row["ChargeClass"] in {"", "Correction"}
    assert row["ChargeFrequency"] == "Usage-Based"
    assert row["BillingCurrency"] == "USD"
    assert (row["ServiceCategory"], row["ServiceSubcategory"]) == (
        "AI and Machine Learning", "Generative AI",
    )  # fmt: skip
    start, end, first, last = (
        datetime.fromisoformat(row[name])
        for name in ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart",
                     "BillingPeriodEnd")
    )  # fmt: skip
    assert start < end
    assert first < last
    assert start < last
    assert first < end
    assert len({row[f"{kind}Cost"] for kind in ("Billed", "Effective", "Contracted", "List")}) == 1


def test_alike_entries_of_a_day_are_one_row() -> None:
    (row,) = by_day([entry(), entry(cost=7, request_id="r2")], Calendar())
    assert (row["BilledCost"], row["ConsumedQuantity"], row["x_Entries"]) == (
        "0.000000012", "14.0", 2,
    )  # fmt: skip
    assert len(list(by_day([entry(), entry(team="other")], Calendar()))) == 2


def test_what_corrects_a_period_before_says_so() -> None:
    within, before = entry(original_at_ns=AT_NS), entry(original_at_ns=AT_NS - 40 * 86_400 * NS)
    classes = [row["ChargeClass"] for row in by_entry([within, before], Calendar())]
    assert classes == [None, "Correction"]


def test_an_unknown_cost_is_no_zero() -> None:
    with pytest.raises(InvalidRequest, match="entry 1 has no price"):
        list(by_day([entry(cost=None)], Calendar()))


def test_parquet_has_decimals_and_times() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    assert write_parquet(by_entry([entry()], Calendar()), file) == 1
    table = parquet.read_table(io.BytesIO(file.getvalue()))
    types = {one.name: str(one.type) for one in table.schema}
    assert types["BilledCost"] == "decimal128(38, 9)"
    assert types["ChargePeriodStart"] == "timestamp[us, tz=UTC]"
    (row,) = table.to_pylist()
    assert row["BilledCost"] == Decimal("0.000000005")
    assert row["ChargeClass"] is None
