from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from accounting_files import read, read_one, written
from legato.accounting.imports.row import Charge
from legato.core.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "identity_line_item_id,bill_payer_account_id,bill_invoice_id,line_item_usage_account_id,"
    "line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,"
    "line_item_product_code,line_item_usage_type,line_item_usage_amount,pricing_unit,"
    "line_item_unblended_cost,line_item_currency_code,resource_tags\n"
)


def line(kind: str, usage_type: str, amount: str = "1", *, unit: str = "", cost: str = "2") -> str:
    return (
        f"id-{usage_type},1111,inv-1,2222,{kind},2026-07-01T00:00:00Z,2026-07-01T01:00:00Z,"
        f'AmazonBedrock,{usage_type},{amount},{unit},{cost},USD,"{{""user_team"":""search""}}"\n'
    )


@pytest.mark.parametrize(
    ("usage_type", "unit", "usage", "model"),
    [
        (
            "USE1-Claude4.6Sonnet-input-tokens",
            "1K tokens",
            Usage(in_uncached=1500),
            "Claude4.6Sonnet",
        ),
        ("USE1-Claude4.6Opus-output-tokens", "1K tokens", Usage(out_text=1500), "Claude4.6Opus"),
        (
            "EUC1-Claude4.6Opus-cache-read-input-token-count",
            "1K tokens",
            Usage(cache_read=1500),
            "Claude4.6Opus",
        ),
        (
            "USE1-Claude4.6Opus-cache-write-input-token-count",
            "1M tokens",
            Usage(cache_write_5m=1_500_000),
            "Claude4.6Opus",
        ),
        (
            "USE1-InputTokenCount-anthropic.claude-3-sonnet-v1:0",
            "1K tokens",
            Usage(in_uncached=1500),
            "anthropic.claude-3-sonnet-v1:0",
        ),
        ("USE1-ModelUnits-Provisioned", "Hrs", Usage(), ""),
    ],
)
def test_a_usage_type_says_what_it_counts(
    tmp_path: Path, usage_type: str, unit: str, *, usage: Usage, model: str
) -> None:
    text = HEADER + line("Usage", usage_type, "1.5", unit=unit, cost="0.0045")
    found = read_one(written(tmp_path, "cur.csv", text))
    assert found.usage == usage
    assert found.model == model
    assert found.cost == 4_500_000
    assert (found.account, found.project, found.invoice) == ("1111", "2222", "inv-1")
    assert found.tags == {"user_team": "search"}


def test_other_services_are_passed_over_and_counted(tmp_path: Path) -> None:
    other = line("Usage", "BoxUsage").replace("AmazonBedrock", "AmazonEC2")
    packed = tmp_path / "cur.csv.gz"
    packed.write_bytes(gzip.compress((HEADER + other + line("Tax", "tax")).encode()))
    found = read(packed)
    assert [row.charge for row in found.rows] == [Charge.TAX]
    assert found.skipped == 1


def test_the_older_report_has_other_names(tmp_path: Path) -> None:
    text = (
        "identity/LineItemId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/ProductCode,"
        "lineItem/UsageType,lineItem/UsageAmount,lineItem/UnblendedCost,lineItem/CurrencyCode,"
        "pricing/unit\n"
        "x,Usage,2026-07-01T00:00:00Z,AmazonBedrock,NovaPro-output-tokens,2,0.01,USD,1K tokens\n"
    )
    found = read_one(written(tmp_path, "old.csv", text))
    assert (found.usage, found.identity) == (Usage(out_text=2000), "x")


def test_parquet_with_maps(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    names = HEADER.strip().split(",")
    cells = line("Usage", "USE1-NovaPro-input-tokens", "2", unit="1K tokens").split(",")
    values: dict[str, object] = dict(zip(names, cells[: len(names) - 1], strict=False))
    values["resource_tags"] = [("user_team", "search")]
    values["product"] = [("model", "Nova Pro")]
    schema = pa.schema(
        [
            (name, pa.map_(pa.string(), pa.string()) if isinstance(value, list) else pa.string())
            for name, value in values.items()
        ]
    )
    path = tmp_path / "cur.parquet"
    parquet.write_table(pa.Table.from_pylist([values], schema=schema), path)
    found = read_one(path)
    assert (found.model, found.usage) == ("Nova Pro", Usage(in_uncached=2000))
    assert found.tags == {"user_team": "search"}


@pytest.mark.parametrize(
    ("principal", "kept"),
    [
        ("arn:aws:iam::1111:user/ann.smith", "arn:aws:iam::1111:user"),
        ("arn:aws:iam::1111:user/staff/ann", "arn:aws:iam::1111:user"),
        (
            "arn:aws:sts::1111:assumed-role/search/ann@x.org",
            "arn:aws:sts::1111:assumed-role/search",
        ),
        ("arn:aws:iam::1111:role/search", "arn:aws:iam::1111:role/search"),
        ("", ""),
    ],
)
def test_who_a_person_is_is_cut_off(tmp_path: Path, principal: str, kept: str) -> None:
    head = HEADER.replace("\n", ",line_item_iam_principal\n")
    row = line("Usage", "USE1-Claude4.6Opus-output-tokens", unit="1K tokens")
    report = written(tmp_path, "cur.csv", head + row.replace("\n", f",{principal}\n"))
    assert read_one(report).key == kept
