"""Puts reports together for commands and the control API, and their digests into the audit log."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from legato.accounting.charging import charged_shown
from legato.accounting.invoices.desk import reconciliation_shown
from legato.accounting.rooms import AccountingRooms
from legato.app.desks.audit import AuditDesk
from legato.app.desks.insights import InsightDesk
from legato.core.clock import Clock
from legato.core.config_notifications import Digest
from legato.core.errors import InvalidRequest
from legato.core.tenant import Tenant
from legato.economics.finance.figures import PlanFigures, plain
from legato.finance.planning import Planning
from legato.finance.plans import Asked as AskedPlan
from legato.insights.optimisation.reviewing import Reviewing
from legato.insights.spend.desk import Asked, Insights
from legato.insights.spend.periods import period
from legato.notify.digest import Report as TeamWeek
from legato.notify.digesting import Digests
from legato.notify.week import week_from
from legato.reporting.cfo import CfoReport, Reconciled, SpendPart
from legato.reporting.composing import TEMPLATE, page_data, workbook
from legato.reporting.listing import listed
from legato.reporting.markdown import as_markdown
from legato.reporting.pages import render_pdf_apart
from legato.reporting.tabular import as_csv, as_parquet
from legato.reporting.wanted import TITLES, Form, Wanted
from legato.storage.database.windows import day_text
from legato.storage.rollups.reading import DAY_NS, Span
from legato.storage.rollups.telling import days_text

_PNL_KPIS: Final = (
    "ai-cogs", "contribution-margin", "cost-per-request", "cost-per-success", "cost-per-feature",
    "cost-per-team", "unpriced",
)  # fmt: skip
_INVOICES_MAX: Final = 500
_WEEK_DAYS: Final = 7
Recorded = Callable[[str, tuple[str, str], dict[str, str]], int]
"""Puts a report into the audit log: organisation, name with digest, details; returns the event."""
RoomsOf = Callable[[Tenant], AccountingRooms]


class Made(NamedTuple):
    """A report as a file, its digest, and the event of the audit log that names it."""

    document: bytes
    digest: str
    event: int


class ReportDesk:
    """Blocking. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        insights: InsightDesk,
        books: tuple[Planning, RoomsOf, Reviewing, Digests],
        audit: tuple[AuditDesk, Recorded],
        clock: Clock,
    ) -> None:
        self._insights = insights
        self._planning, self._rooms, self._reviewing, self._digests = books
        self._audit, self._record = audit
        self._clock = clock

    def make(self, wanted: Wanted) -> Made:
        """Make a report and put its digest into the audit log.

        Raises:
            InvalidRequest: naming the field.
            NotFound: there is no such fiscal period, or no rules charge it.
            OperatorError: the extra that its form needs isn't installed.
        """
        report = self.gathered(wanted)
        document = written(report, wanted.form)
        digest = sha256(document).hexdigest()
        told = {"form": wanted.form, "period": report.period}
        event = self._record(wanted.org, (f"report {wanted.kind}", digest), told)
        return Made(document, digest, event)

    def document(self, wanted: Wanted) -> tuple[str, bytes]:
        """Return a report's period and its bytes; nothing is recorded. Raises as `make`."""
        report = self.gathered(wanted)
        return report.period, written(report, wanted.form)

    def gathered(self, wanted: Wanted) -> CfoReport:
        """Return the figures of a report. Raises InvalidRequest, NotFound."""
        head = self._audit.log.head()
        report = CfoReport(
            kind=wanted.kind,
            title=TITLES[wanted.kind],
            org=wanted.org,
            period="",
            made_ns=self._clock.now_ns(),
            anchor=f"The audit log had {head.size:,} events then, with the root {head.root.hex()}.",
        )
        if wanted.kind == "chargeback":
            return self._charged(report, wanted)
        span = period(wanted.period, report.made_ns)
        report = msgspec.structs.replace(report, period=days_text(span))
        if wanted.kind == "pnl":
            return self._profit(report, span)
        if wanted.kind == "review":
            found = self._reviewing.review(wanted.org, span, wanted.period)
            return msgspec.structs.replace(report, review=found)
        if wanted.kind == "digest":
            weeks = self._weeks(wanted.org, span)
            lacks = () if weeks else ("weeks: no team spent anything then, nor in the days before",)
            return msgspec.structs.replace(report, weeks=weeks, missing=lacks)
        return self._spent(report, wanted, span)

    def _weeks(self, org: str, span: Span) -> tuple[TeamWeek, ...]:
        if span.end - span.first != _WEEK_DAYS:
            told = f"period: a digest is of seven days, and {days_text(span)} isn't: "
            raise InvalidRequest(f"{told}name 2026-11-16..2026-11-22, or 7d", param="period")
        week = week_from(date.fromisoformat(day_text(span.first)), "UTC")
        teams = self._digests.teams(Digest(channels=[], org=org), [])
        found = (self._digests.report(org, team, week) for team in teams)
        return tuple(one for one in found if not one.is_empty)

    def _spent(self, report: CfoReport, wanted: Wanted, span: Span) -> CfoReport:
        tenant, asked = Tenant(report.org), Asked(report.period)
        room = self._insights.insights(tenant)
        report = msgspec.structs.replace(
            report,
            spend=SpendPart(
                savings=room.statement(asked),
                by_feature=room.show("waterfall", Asked(report.period, ("team", "feature"))),
                by_team=room.show("spend", Asked(report.period, ("team",))),
                setting=room.setting(),
            ),
            kpis=room.every_kpi(asked),
        )
        if wanted.kind == "savings":
            return report
        missing: list[str] = []
        plan = self._plan(tenant, wanted.plan, report.made_ns, missing)
        first, last = day_text(span.first), day_text(span.end - 1)
        pnl = self._planning.profit.read(tenant, first[:7], last[:7])
        report = msgspec.structs.replace(report, plan=plan, pnl=pnl, missing=tuple(missing))
        return self._with_invoices(report, (span.first * DAY_NS, span.end * DAY_NS))

    def _profit(self, report: CfoReport, span: Span) -> CfoReport:
        first, end = day_text(span.first), day_text(span.end)
        if not first.endswith("-01") or not end.endswith("-01"):
            told = f"{report.period} isn't: name 2026-10, 2026-Q3 or 2026"
            raise InvalidRequest(
                f"period: profit and loss is of whole months, and {told}", param="period"
            )
        tenant, asked = Tenant(report.org), Asked(report.period)
        room: Insights = self._insights.insights(tenant)
        last = day_text(span.end - 1)
        return msgspec.structs.replace(
            report,
            kpis=tuple(room.show(name, asked) for name in _PNL_KPIS),
            pnl=self._planning.profit.read(tenant, first[:7], last[:7]),
        )

    def _charged(self, report: CfoReport, wanted: Wanted) -> CfoReport:
        rooms = self._rooms(Tenant(report.org))
        charged = rooms.charging.charge(wanted.period, wanted.currency)
        meant = charged.state.period
        days = [_day(at_ns) for at_ns in (meant.start_ns, meant.end_ns - 1)]
        report = msgspec.structs.replace(report, period="..".join(days), charged=charged)
        return self._with_invoices(report, (meant.start_ns, meant.end_ns))

    def _with_invoices(self, report: CfoReport, times: tuple[int, int]) -> CfoReport:
        """Add the invoices whose time touches this one."""
        desk = self._rooms(Tenant(report.org)).invoices
        found, missing = [], list(report.missing)
        for one in desk.store.page(_INVOICES_MAX):
            if one.start_ns >= times[1] or one.end_ns <= times[0]:
                continue
            try:
                found.append(Reconciled(*desk.reconcile(one.id)))
            except InvalidRequest as error:
                missing.append(f"the invoice {one.name}: {error.message}")
        found.sort(key=lambda one: (one.invoice.start_ns, one.invoice.id))
        return msgspec.structs.replace(report, invoices=tuple(found), missing=tuple(missing))

    def _plan(
        self, tenant: Tenant, asked: AskedPlan, now_ns: int, missing: list[str]
    ) -> PlanFigures | None:
        try:
            return self._planning.plans.plan(tenant, msgspec.structs.replace(asked, now_ns=now_ns))
        except InvalidRequest as error:
            if asked.assume or asked.on:  # said with the question: it is theirs to mend
                raise
            missing.append(f"the plan: {error.message}")
            return None


def written(report: CfoReport, form: Form) -> bytes:
    """Return a report as a file. Raises OperatorError without the extra that it needs."""
    if form == "xlsx":
        return workbook(report)
    if form == "pdf":
        return render_pdf_apart(TEMPLATE, page_data(report), made_ns=report.made_ns)
    if form == "csv":
        return as_csv(report)
    if form == "parquet":
        return as_parquet(report)
    if form == "md":
        return as_markdown(report)
    return msgspec.json.format(msgspec.json.encode(_shown(report)), indent=2) + b"\n"


def _shown(report: CfoReport) -> dict[str, Any]:
    spend = report.spend
    return {
        "kind": report.kind,
        "title": report.title,
        "org": report.org,
        "period": report.period,
        "made_ns": report.made_ns,
        "savings": None if spend is None else spend.savings,
        "by_feature": None if spend is None else spend.by_feature,
        "by_team": None if spend is None else spend.by_team,
        "setting": None if spend is None else spend.setting,
        "kpis": report.kpis,
        "plan": plain(report.plan),
        "pnl": plain(report.pnl),
        "review": report.review,
        "weeks": report.weeks,
        "chargeback": None if report.charged is None else charged_shown(report.charged),
        "invoices": [reconciliation_shown(one.invoice, one.found) for one in report.invoices],
        "figures": list(listed(report)),
        "anchor": report.anchor,
        "missing": report.missing,
    }


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, UTC).date().isoformat()
