"""What a report for those who sign is made of: figures that others worked out, none of its own."""

import msgspec

from legato.accounting.charging import ChargedPeriod
from legato.accounting.invoices.causes import Reconciliation
from legato.economics.finance.figures import PlanFigures, Pnl
from legato.economics.optimisation.lines import Review
from legato.insights.spend.counting import Setting
from legato.insights.spend.desk import Insight
from legato.insights.spend.statement import SavingsStatement
from legato.notify.digest import Report as TeamWeek
from legato.storage.accounting.invoices import Invoice


class SpendPart(msgspec.Struct, frozen=True, kw_only=True):
    """What was saved and where it was spent."""

    savings: SavingsStatement
    by_feature: Insight
    """The waterfall by team and feature."""
    by_team: Insight
    """The cost by team."""
    setting: Setting
    """What key figures take from the configuration as it is now."""


class Reconciled(msgspec.Struct, frozen=True):
    """A vendor's invoice beside the ledger."""

    invoice: Invoice
    found: Reconciliation


class CfoReport(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation in one period. What is None isn't in it; `missing` says what can't be told.

    `period` is its first and last day.
    """

    kind: str
    title: str
    org: str
    period: str
    made_ns: int
    spend: SpendPart | None = None
    kpis: tuple[Insight, ...] = ()
    """Without groups, each with one row."""
    plan: PlanFigures | None = None
    pnl: Pnl | None = None
    charged: ChargedPeriod | None = None
    review: Review | None = None
    weeks: tuple[TeamWeek, ...] = ()
    """Of each team that spent anything in its seven days, or in those before."""
    invoices: tuple[Reconciled, ...] = ()
    """Those whose time the period touches."""
    anchor: str
    """Size and root of the audit log when it was made."""
    missing: tuple[str, ...] = ()
