"""Opens the desk of reports for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from legato.app.checks.instance import find_instance
from legato.app.desks.accounting import books_of
from legato.app.desks.digests import digests_at
from legato.app.desks.insights import stored_insights
from legato.app.desks.optimisation import reviewing_of
from legato.app.desks.reporting import ReportDesk
from legato.app.desks.stored_data import stored_data
from legato.cli.finance.planning_desk import Place, opened, served_of
from legato.core.clock import SystemClock
from legato.storage.audit.reports import record_report
from legato.storage.database.engine import open_engine


@contextmanager
def opened_reports(place: Place) -> Iterator[ReportDesk]:
    """Open it; the database is checked first. Raises as `stored_data`."""
    instance, clock = find_instance(*place), SystemClock()
    with stored_data(instance) as stored, opened(place) as planning:
        record = partial(record_report, open_engine(instance.database_url))
        books = (
            planning,
            lambda tenant: books_of(stored, tenant.org),
            reviewing_of(instance.database_url, clock, lambda: served_of(instance)),
            digests_at(instance.database_url),
        )
        audit = (stored.audit(instance), record)
        yield ReportDesk(stored_insights(stored, instance), books, audit, clock)
