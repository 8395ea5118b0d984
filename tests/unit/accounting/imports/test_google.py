from __future__ import annotations

import json
from typing import TYPE_CHECKING

from accounting_files import read, read_one, written
from legato.accounting.imports.row import Charge
from legato.core.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

ROW = {
    "billing_account_id": "01-02",
    "service": {"id": "C7E2", "description": "Vertex AI"},
    "sku": {"id": "A1", "description": "Gemini 2.5 Flash Text Input - Predictions"},
    "usage_start_time": "2026-05-01 10:00:00 UTC",
    "usage_end_time": "2026-05-01 11:00:00 UTC",
    "project": {"id": "shop", "name": "Shop"},
    "labels": [{"key": "team", "value": "search"}],
    "location": {"region": "europe-west4"},
    "cost": 0.000123456,
    "currency": "EUR",
    "usage": {"amount": 1234.0, "unit": "count"},
    "credits": [{"name": "Promo", "full_name": "Promotion", "amount": -0.0001}],
    "invoice": {"month": "202605"},
    "cost_type": "regular",
}


def test_a_line_and_its_credit(tmp_path: Path) -> None:
    other = ROW | {"service": {"description": "Compute Engine"}, "sku": {"description": "N2"}}
    text = json.dumps(ROW) + "\n" + json.dumps(other) + "\n"
    found = read(written(tmp_path, "billing.jsonl", text))
    row, credit = found.rows
    assert row.usage == Usage(in_uncached=1234)
    assert (row.model, row.region, row.invoice) == ("Gemini 2.5 Flash", "europe-west4", "202605")
    assert (row.cost, row.currency) == (123_456, "EUR")
    assert row.tags == {"team": "search"}
    assert (credit.charge, credit.cost, credit.usage) == (Charge.CREDIT, -100_000, Usage())
    assert found.skipped == 1


def test_the_flat_table(tmp_path: Path) -> None:
    text = (
        "service.description,sku.description,usage_start_time,cost,currency,usage.amount,usage.unit\n"
        "Gemini API,Gemini 2.5 Pro Text Output Thinking,2026-05-01T10:00:00Z,1.5,USD,10,tokens\n"
    )
    found = read_one(written(tmp_path, "billing.csv", text))
    assert (found.usage, found.cost) == (Usage(reasoning=10), 1_500_000_000)
