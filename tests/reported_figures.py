"""A plan and a P&L of made-up figures, as workbooks of both kinds."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from legato.accounting.books import PeriodState
from legato.accounting.charging import ChargedPeriod
from legato.accounting.invoices.causes import Cause, Part, Reconciliation
from legato.accounting.invoices.cells import Cell, Grain
from legato.economics.chargeback import CostRules, Group, Pool, Rule, statement
from legato.economics.finance.assumptions import Input, shipped
from legato.economics.finance.figures import PlanFigures
from legato.economics.finance.planning import METHOD, NEEDED
from legato.economics.finance.pnl import Costs, profit_and_loss
from legato.economics.finance.uncertainty import cases, drawn, tornado
from legato.economics.fiscal import Period
from legato.reporting.cfo import Reconciled
from legato.storage.accounting.costs import RulesVersion
from legato.storage.accounting.invoices import Invoice

if TYPE_CHECKING:
    from legato.economics.finance.figures import Pnl

MADE_NS = 1_793_000_000 * 10**9
_SAID = {
    "initial.usd": ("50000", "40000", "80000"),
    "before.ai_usd_month": ("21000.37", "", ""),
    "before.labour_usd_month": ("9000", "7000", "12000"),
    "before.other_usd_month": ("300", "", ""),
    "after.ai_usd_month": ("8000.11", "6000", "24000"),
    "after.labour_usd_month": ("2000", "", ""),
    "after.other_usd_month": ("700", "", ""),
    "benefits.usd_month": ("1500", "0", "3000"),
    "volume.growth_month": ("0.013", "-0.01", "0.04"),
}


def a_plan() -> PlanFigures:
    """A plan with growth, a ramp, and ranges wide enough that the low case loses money."""
    defaults = {one.name: one for one in shipped()}
    inputs = []
    for name in NEEDED:
        if name in _SAID:
            value, low, high = _SAID[name]
            tag, source, unit = "measured", "=cmd|' /C calc'!A0", "USD"
        else:
            one = defaults[name]
            value, low, high, tag, source, unit = (
                one.value, one.low, one.high, one.tag, one.source, one.unit,
            )  # fmt: skip
        inputs.append(
            Input(
                name=name,
                value=value,
                low=low,
                high=high,
                unit=unit,
                tag=tag,
                source=source,
                version=1,
            )
        )
    swings = tornado(inputs)
    return PlanFigures(
        org="default",
        currency="USD",
        discount_rate="0.10",
        cases=cases(inputs, swings),
        tornado=swings,
        draws=drawn(inputs, 7, 100),
        inputs=inputs,
        method=METHOD,
    )


def a_pnl() -> Pnl:
    """Three features: one that pays, one that doesn't, one nobody earns with."""
    nano = 10**9
    found = [
        (("default", "care", "helpdesk"), Costs(
            revenue=12_000 * nano, ai=1_234_567_890_123, review=900 * nano, other=300 * nano,
            requests=48_211, has_revenue=True, has_other=True)),
        (("default", "care", "letters"), Costs(
            revenue=400 * nano, ai=700 * nano + 1, requests=9_000, has_revenue=True)),
        (("default", "risk", "=claims"), Costs(ai=33_333_333, requests=7, unpriced=2)),
    ]  # fmt: skip
    return profit_and_loss(("2026-07", "2026-09"), found, [])


def a_charged_period() -> ChargedPeriod:
    """Two cost centres, what none bears, and a pool that is divided by what they spend."""
    rules = CostRules(
        valid_from=date(2026, 1, 1),
        rules=[
            Rule(when={"team": "care"}, cost_centre="=CC-1", account="6000"),
            Rule(when={"team": "risk"}, cost_centre="CC-2"),
        ],
        pools=[Pool(name="machines", amount="100.01", driver="cost")],
    )
    groups = [
        Group({"team": "care"}, {}, 1_234_567_890_123, 48_211, 9_000_000),
        Group({"team": "risk"}, {}, 33_333_333, 7, 1_200),
        Group({"team": "other"}, {}, 5_000_000_001, 90, 40_000),
    ]
    month = Period("2026-09", MADE_NS - 10**16, MADE_NS)
    said = statement(groups, rules)
    return ChargedPeriod(
        state=PeriodState(month, "open"),
        currency="EUR",
        rules=RulesVersion(3, rules, "key:admin", MADE_NS),
        statement=said,
        accrued=said.spent // 3,
        rates=(),
    )


def a_reconciled_invoice() -> Reconciled:
    """One with a difference of three causes."""
    parts = [
        Part(Cause.BYPASS, 12_500_000_000, None, "sk-stranger", (4, 5)),
        Part(Cause.PRICE, -1_000_000_001, Cell("up", "m", 20_000), "", (1,)),
        Part(Cause.TAX, 19_000_000, None, "", (9,)),
    ]
    ledger = 44_000_000_007
    invoiced = ledger + sum(part.amount for part in parts)
    invoice = Invoice(
        id="0" * 32, name="=September", vendor="up", currency="USD", start_ns=MADE_NS - 10**16,
        end_ns=MADE_NS, total=invoiced, digest="", lines=9, state="imported", reason="",
        billed={}, made_by="key:admin", made_at_ns=MADE_NS, decided_by="", decided_at_ns=None,
    )  # fmt: skip
    found = Reconciliation(invoiced, ledger, Grain(by_model=True, by_day=True), 0, parts)
    return Reconciled(invoice, found)
