"""Objectives and incidents of one database."""

from functools import partial
from typing import Any

from legato.api.control.service_level_services import ServiceLevelServices
from legato.app.context import ProcessContext
from legato.app.models.vaults import open_data_keys
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.tenant import Reach
from legato.insights.objectives.standing import Standings
from legato.storage.data_keys import DataKeyTable
from legato.storage.incidents.incidents import Incidents
from legato.storage.incidents.words import Words
from legato.storage.notifications.services import ServiceTraces
from legato.storage.objectives.alerts import BurnAlerts
from legato.storage.objectives.counting import ObjectiveCounts
from legato.storage.objectives.objectives import ObjectiveStore
from legato.vault.data_keys import DataKeys
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault


def words_of(keys: DataKeys) -> Words:
    """Return what seals what people say of incidents."""
    return Words(Envelopes(keys), lambda org, user: Vault(keys.root()).pseudonym(org, user))


def service_traces(context: ProcessContext, clock: Clock) -> ServiceTraces:
    """Return what people are told of, with the words of people who said something of it."""
    keys = open_data_keys(context.loaded, context.data, DataKeyTable(context.engine))
    return ServiceTraces(context.engine, clock, words_of(keys))


def service_levels(engine: Any, clock: Clock, words: Words) -> ServiceLevelServices:
    """Return what knows of them; nothing is connected to yet."""

    def standings(reach: Reach) -> Standings:
        return Standings(ObjectiveCounts(engine), BurnAlerts(engine, reach))

    return ServiceLevelServices(
        partial(ObjectiveStore, engine, clock),
        standings,
        lambda reach: Incidents(engine, clock, reach, words),
        IdSource(clock).new,
    )
