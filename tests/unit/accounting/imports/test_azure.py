from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from accounting_files import read, read_one, written
from legato.accounting.imports.row import Charge
from legato.core.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "Date,SubscriptionId,ResourceGroup,ResourceId,MeterCategory,MeterSubCategory,MeterName,"
    "UnitOfMeasure,Quantity,CostInBillingCurrency,PaygCostInBillingCurrency,BillingCurrency,"
    "ChargeType,Tags\n"
)


def line(meter: str, kind: str = "Usage", category: str = "Foundry Models") -> str:
    return (
        f"06/01/2026,sub,rg-bot,/subscriptions/x/accounts/bot,{category},Azure OpenAI,{meter},1K,"
        f'2.5,0.01,0.02,EUR,{kind},"""team"": ""bot"""\n'
    )


@pytest.mark.parametrize(
    ("meter", "usage", "model", "tier"),
    [
        ("gpt-4o-0806-Inp-glbl Tokens", Usage(in_uncached=2500), "gpt-4o-0806", ""),
        ("gpt-4o-0806-Outp-glbl Tokens", Usage(out_text=2500), "gpt-4o-0806", ""),
        ("gpt-4o-0806-cached-Inp-glbl Tokens", Usage(cache_read=2500), "gpt-4o-0806", ""),
        (
            "gpt-4o-mini-0718-Batch-Inp-glbl Tokens",
            Usage(in_uncached=2500),
            "gpt-4o-mini-0718",
            "batch",
        ),
        ("Provisioned Managed Global Unit", Usage(), "", "provisioned"),
    ],
)
def test_meters(tmp_path: Path, meter: str, *, usage: Usage, model: str, tier: str) -> None:
    found = read_one(written(tmp_path, "azure.csv", HEADER + line(meter)))
    assert (found.usage, found.model, found.tier) == (usage, model, tier)
    assert (found.cost, found.list_cost, found.currency) == (10_000_000, 20_000_000, "EUR")
    assert found.tags == {"team": "bot"}
    assert (found.project, found.key) == ("rg-bot", "bot")


def test_actual_and_amortised_and_other_names(tmp_path: Path) -> None:
    text = (
        "usageDateTime,meterCategory,meterName,unitOfMeasure,usageQuantity,preTaxCost,"
        "amortizedCost,currency,chargeType\n"
        "2026-06-01,Cognitive Services,gpt 4o Inp Tokens,1K,1,0,0.7,USD,Usage\n"
        "2026-06-01,Cognitive Services,PTU,1,1,5,,USD,UnusedReservation\n"
        "2026-06-01,Virtual Machines,D2,1 Hour,1,5,,USD,Usage\n"
    )
    found = read(written(tmp_path, "a.csv", text))
    assert [(row.cost, row.amortised_cost) for row in found.rows] == [
        (0, 700_000_000),
        (5_000_000_000, None),
    ]
    assert found.rows[1].charge is Charge.COMMITMENT
    assert found.skipped == 1
