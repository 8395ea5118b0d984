"""Anomalies of spend in one database."""

from legato.core.tenant import EVERY_TENANT, Tenant
from legato.economics.anomalies.explaining import Usage
from legato.storage.anomalies.found import Anomalies, Anomaly
from legato.storage.anomalies.hours import Feature, FeatureHours
from legato.storage.database.engine import open_engine
from legato.storage.rollups.reading import SpendReader


def anomalies_at(database_url: str) -> Anomalies:
    """Return all there are."""
    return Anomalies(open_engine(database_url), EVERY_TENANT)


def usage_of(database_url: str, one: Anomaly) -> tuple[Usage, Usage]:
    """Return what happened in the hours that it is held against, and in its own."""
    hours = FeatureHours(SpendReader(open_engine(database_url), Tenant(one.org)))
    whose, count = Feature(one.org, one.team, one.feature), one.last_hour - one.first_hour + 1
    before = hours.usage(whose, one.reference_hour, one.reference_hour + count)
    return before, hours.usage(whose, one.first_hour, one.first_hour + count)
