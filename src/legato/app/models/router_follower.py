"""Follows the routers of the registry: a label's move is known within POLL_S and a query."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from legato.app.context import WorkerContext
from legato.app.models.vaults import open_data_keys
from legato.core.errors import LegatoError, NotFound
from legato.core.registry import Kind, ObjectName, Selector, shown
from legato.core.tasks import InThread
from legato.core.tenant import Tenant
from legato.registry.registry import Sealing
from legato.registry.routers import RouterReference
from legato.storage.data_keys import DataKeyTable
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.routers import RouterModels
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.vault.envelope import Envelopes

if TYPE_CHECKING:
    from legato.app.models.registered_routers import RegisteredRouters
    from legato.gateway.quality import OfOrganisation

log = logging.getLogger(__name__)

POLL_S: Final = 0.5


class RouterFollower:
    """Opens them once a route asks one: numpy is an extra, and nobody else waits for a query."""

    def __init__(self, open_routers: Callable[[], "RegisteredRouters"]) -> None:
        self._open = open_routers
        self._routers: RegisteredRouters | None = None
        self._away = False

    def of(
        self, wanted: RouterReference, models: Mapping[str, str], stated: frozenset[str]
    ) -> "OfOrganisation":
        """Return what tells an organisation's router now, for a route's deployments."""
        if self._routers is None:
            self._routers = self._open()
        return self._routers.of(wanted, models, stated)

    def load(self) -> None:
        """Take in what changed. Blocking. Raises StorageUnavailable."""
        if self._routers is not None:
            self._routers.load()

    async def follow(self, in_thread: InThread) -> None:
        """Look twice a second, for ever; what was read last stays while the database is away."""
        while True:
            try:
                if self._routers is not None:
                    await in_thread(self.load)
                self._away = False
            except LegatoError as error:
                if not self._away:
                    log.warning("routers can't be refreshed", extra={"reason": error.code})
                self._away = True
            except Exception:  # a defect must not end the watch: no label would move any more
                if not self._away:
                    log.exception("routers can't be refreshed")
                self._away = True
            await asyncio.sleep(POLL_S)


def router_versions(
    reader_of: Callable[[Tenant], RegistryReader], environment: str
) -> Callable[[str, RouterReference], str]:
    """Return what tells the version that an organisation's label names, "" where it is none."""

    def version(org: str, wanted: RouterReference) -> str:
        name = ObjectName(Kind.ROUTER, wanted.name)
        try:
            found = reader_of(Tenant(org)).version(name, Selector(label=wanted.label), environment)
        except NotFound:
            return ""
        return shown(name, found.digest)

    return version


def predictors(models_of: Callable[[Tenant], RouterModels]) -> Callable[[str, str], bool]:
    """Return what tells whether an organisation has a predictor, by its digest."""
    return lambda org, digest: models_of(Tenant(org)).holds(digest)


def worker_routers(context: WorkerContext) -> RouterFollower:
    """Return those of a worker; nothing is read yet."""
    engine = context.engine
    sealing = Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(engine)))
    source = RegistrySnapshots(engine, context.loaded.config.registry.environment)
    return followed(source, partial(RouterModels, engine), sealing, context.data.models)


def followed(
    source: RegistrySnapshots,
    models_of: Callable[[Tenant], RouterModels],
    sealing: Sealing,
    weights: Path,
) -> RouterFollower:
    """Return those of an environment, `weights` of embedders beside; nothing is read yet."""

    def opened() -> "RegisteredRouters":
        from legato.app.models.registered_routers import RegisteredRouters  # noqa: PLC0415 - an extra
        from legato.evaluation.routing.kept import Routers  # noqa: PLC0415 - likewise

        return RegisteredRouters(
            source, lambda tenant: Routers(tenant.org, models_of(tenant), sealing), sealing, weights
        )

    return RouterFollower(opened)
