"""Notifications of workflows: sealed in the outbox, with links for the people they are sent to."""

from collections.abc import Callable

import msgspec

from legato.app.config.data_dir import DataDir
from legato.app.config.loaded import LoadedConfig
from legato.app.context import ProcessContext
from legato.app.desks.tasks import link_desk, tasks_on
from legato.app.models.vaults import open_data_keys
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.notification import TASK, Notification
from legato.core.tenant import EVERY_TENANT
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.notifications.outbox import Outbox
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault

PAGE = "/api/v1/task-links/"
Attached = Callable[[Notification], Notification]
OnItsWay = Callable[[Notification, str], Notification]
"""Takes a notification and the channel it goes by."""


def sealed_outbox(loaded: LoadedConfig, data: DataDir, database_url: str) -> Outbox:
    """Return the outbox of every tenant, which seals and opens what workflows tell."""
    engine = open_engine(database_url)
    keys = open_data_keys(loaded, data, DataKeyTable(engine))
    return Outbox(engine, EVERY_TENANT, Envelopes(keys))


def persons_of(config: Config) -> dict[str, str]:
    """Return who alone reads a channel, by the channel's name."""
    return {one.name: one.person for one in config.notifications.channels if one.person}


def linking(context: ProcessContext, clock: Clock, attached: Attached) -> OnItsWay:
    """Return what adds a link to what tells of a task, for the one person who reads a channel.

    The link is made as it is sent, so its token is kept nowhere. `attached` adds what goes with
    a notification whatever its channel.
    """
    config, url = context.loaded.config, context.database_url
    persons = persons_of(config)
    if not persons:
        return lambda said, _channel: attached(said)
    keys = open_data_keys(context.loaded, context.data, DataKeyTable(open_engine(url)))
    vault = Vault(keys.root())
    tasks = tasks_on(url, clock, Envelopes(keys), vault)
    desk = link_desk(url, clock, tasks, vault=vault, access=config.access)

    def linked(said: Notification, channel: str) -> Notification:
        person, task_id = persons.get(channel), said.facts.get("task_id")
        if said.kind != TASK or person is None or not isinstance(task_id, str):
            return attached(said)
        token = desk.make(task_id, person)
        if not token:
            return said
        link = f"{config.accounts.external_url}{PAGE}{token}"
        text = f"{said.text}\n\nDecide here, once, as {person}; pass it on to nobody:\n{link}"
        return msgspec.structs.replace(said, text=text)

    return linked
