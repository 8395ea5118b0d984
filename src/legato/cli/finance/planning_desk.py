"""Opens what makes plans for a command."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from legato.app.baseline.imported_month import imported_usage
from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.planning import planning
from legato.app.desks.served_now import served_now
from legato.app.desks.stored_data import stored_data
from legato.app.prices.price_book import PriceBook
from legato.app.prices.pricing import priced_deployments, prices_of
from legato.core.clock import SystemClock
from legato.core.config import Config
from legato.core.price import Price
from legato.finance.planning import Planning

Place = tuple[Path, Path | None]


@contextmanager
def opened(place: Place) -> Iterator[Planning]:
    """Open it; the database is checked first. Raises as `stored_data`."""
    instance, clock = find_instance(*place), SystemClock()
    with stored_data(instance) as stored:
        yield planning(
            instance.database_url,
            instance.data.root,
            clock,
            served=lambda: served_of(instance),
            imported=imported_usage(instance.database_url, instance.data.root, clock),
            evaluations=lambda tenant: stored.evaluations(instance, tenant.org).evaluations,
        )


def served_of(instance: Instance) -> tuple[Config, Mapping[str, Price | None]]:
    """Return what would be served, at the prices a start would use now."""
    served = served_now(instance, partial(click.echo, err=True))
    book = PriceBook(instance.data.cache, SystemClock())
    return served.config, prices_of(priced_deployments(served.config, book.ask))
