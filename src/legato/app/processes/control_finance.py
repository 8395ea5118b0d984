"""What the control API tells of money with: insights, plans, reports."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from legato.api.control.insight_services import InsightServices
from legato.app.baseline.imported_month import imported_usage
from legato.app.checks.instance import Instance
from legato.app.context import ControlContext
from legato.app.desks.accounting import accounting_rooms
from legato.app.desks.audit import AuditDesk, signing_key
from legato.app.desks.digests import digests_of
from legato.app.desks.insights import Told, baselines_of, insight_desk
from legato.app.desks.optimisation import reviewing_of
from legato.app.desks.planning import planning
from legato.app.desks.stored_data import StoredData
from legato.app.models.served_models import ServedModels
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.price import Price
from legato.core.tenant import EVERY_TENANT
from legato.finance.planning import Planning
from legato.insights.spend.freezing import Baseline
from legato.storage.accounting.stores import open_stores
from legato.storage.audit.log import AuditLog
from legato.storage.audit.reports import record_report
from legato.vault.master import Vault

if TYPE_CHECKING:
    from legato.app.desks.reporting import ReportDesk

Served = Callable[[], ServedModels]


def insight_services(
    context: ControlContext, served: Served, clock: Clock, *, vault: Vault
) -> InsightServices:
    """Return what tells insights, targets and frozen baselines."""
    return InsightServices(*insight_desk(context.database_url, clock, _told(served, vault)))


def plans_of(context: ControlContext, clock: Clock, served: Served) -> Planning:
    """Return what makes plans, of what is served when one is asked for."""
    instance = Instance(context.data, None, context.loaded)
    stored = StoredData(context.database_url)

    def now() -> tuple[Config, Mapping[str, Price | None]]:
        found = served()
        return found.config, found.prices

    return planning(
        context.database_url,
        context.data.root,
        clock,
        served=now,
        imported=imported_usage(context.database_url, context.data.root, clock),
        evaluations=lambda tenant: stored.evaluations(instance, tenant.org).evaluations,
    )


def report_desk(
    context: ControlContext, served: Served, clock: Clock, *, vault: Vault
) -> Callable[[], "ReportDesk"]:
    """Return what opens the desk of reports: loaded when one is first asked for."""

    def open_desk() -> "ReportDesk":
        from legato.app.desks.reporting import ReportDesk  # noqa: PLC0415 - when it is asked for

        def now() -> tuple[Config, Mapping[str, Price | None]]:
            found = served()
            return found.config, found.prices

        engine, told = context.engine, _told(served, vault)
        log = AuditLog(engine, EVERY_TENANT)
        books = (
            plans_of(context, clock, served),
            lambda tenant: accounting_rooms(open_stores(engine, clock, tenant), clock),
            reviewing_of(context.database_url, clock, now),
            digests_of(engine, clock),
        )
        return ReportDesk(
            insight_desk(context.database_url, clock, told),
            books,
            (AuditDesk(log, log, told.key), partial(record_report, engine)),
            clock,
        )

    return cache(open_desk)


def _told(served: Served, vault: Vault) -> Told:
    def baselines() -> Mapping[str, Baseline]:
        found = served()
        return baselines_of(found.config, found.prices.get)

    return Told(lambda: served().config, baselines, signing_key(vault))
