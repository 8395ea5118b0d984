"""Routers of the registry as a worker has them."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from legato.app.checks.learned_router import LearnedRouter, embedder_of
from legato.core.errors import LegatoError
from legato.core.registry import Kind, shown
from legato.core.tenant import Tenant
from legato.embedding.base import Embedder
from legato.evaluation.routing.kept import Routers
from legato.registry.registry import Sealing, sealing_context
from legato.registry.routers import RouterManifest, RouterReference
from legato.routing.quality.model import QualityModel
from legato.storage.registry.records import LabelledVersion

log = logging.getLogger(__name__)

_Key = tuple[str, str, str]
"""Organisation, name, label."""


class RouterSource(Protocol):
    """Where versions of routers come from; blocking."""

    def version(self) -> int:
        """Return a number that rises with every change."""
        ...

    def read(self, kind: Kind | None = None) -> tuple[int, list[LabelledVersion]]:
        """Return what has a label, and the number it is as new as, or newer."""
        ...


class _Live(NamedTuple):
    """A version that can be asked; `erased` of its questions are gone."""

    version: str
    erased: int
    model: QualityModel
    embedder: Embedder


class RegisteredRouters:
    """What can't be read leaves the version before in force; the log says so."""

    def __init__(
        self,
        source: RouterSource,
        kept: Callable[[Tenant], Routers],
        sealing: Sealing,
        weights: Path,
    ) -> None:
        """`weights` is where pulled weights of embedders lie."""
        self._source = source
        self._kept = kept
        self._sealing = sealing
        self._weights = weights
        self._version = -1
        self._live: Mapping[_Key, _Live] = {}

    def of(
        self, wanted: RouterReference, models: Mapping[str, str], stated: frozenset[str]
    ) -> Callable[[str], LearnedRouter | None]:
        """Return what tells an organisation's router now, for a route's deployments."""
        made: dict[str, tuple[_Live, LearnedRouter]] = {}

        def of_caller(org: str) -> LearnedRouter | None:
            live = self._live.get((org, *wanted))
            if live is None:
                return None
            known = made.get(org)
            if known is None or known[0] is not live:
                covering = live.model.covering(models)
                router = LearnedRouter(covering, live.embedder, stated, live.version)
                known = made[org] = live, router
            return known[1]

        return of_caller

    def load(self) -> None:
        """Read what changed. Blocking. Raises StorageUnavailable."""
        if self._source.version() == self._version:
            return
        version, labelled = self._source.read(Kind.ROUTER)
        known = {(org, one.version): one for (org, _, _), one in self._live.items()}
        live: dict[_Key, _Live] = {}
        for one in labelled:
            key = (one.org, one.version.name.name, one.label)
            named = shown(one.version.name, one.version.digest)
            try:
                found = self._read(one, named, known.get((one.org, named)))
            except (ValueError, LegatoError) as error:  # what can't be read is a ValueError
                log.error(  # noqa: TRY400 - it says all
                    "a router can't be read: the one before stays in force",
                    extra={"version": named, "reason": str(error)},
                )
                if key in self._live:
                    live[key] = self._live[key]
                continue
            live[key] = known[one.org, named] = found
        self._live, self._version = live, version

    def _read(self, one: LabelledVersion, named: str, before: _Live | None) -> _Live:
        kept = one.version
        context = sealing_context(kept.name, kept.digest)
        opened = self._sealing.open(one.org, kept.sealed, context)
        manifest = msgspec.json.decode(opened, type=RouterManifest)
        routers = self._kept(Tenant(one.org))
        if before is not None and before.erased == routers.erased(manifest.model_digest):
            return before
        found = routers.open(manifest.model_digest)
        embedder = embedder_of(found.model, self._weights)
        return _Live(named, found.erased, found.model, embedder)
