"""What people do with the semantic cache of an organisation: look, purge, call a hit wrong."""

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from legato.app.checks.embedders import learnt_under
from legato.app.checks.instance import Instance
from legato.app.models.catalogue import terms_of
from legato.app.models.model_checks import with_unknown_credentials
from legato.app.models.served_models import ServedModels
from legato.app.models.served_reading import ServedReader
from legato.app.models.vaults import open_data_keys
from legato.cache.semantic.archive import Archive
from legato.cache.semantic.entry import Entry
from legato.core.clock import SystemClock
from legato.core.config import Config
from legato.core.errors import Conflict, NotFound
from legato.core.ids import time_ns_of
from legato.core.semantic_records import BoundSeen, Counts, Selection
from legato.core.semantic_terms import SemanticTerms
from legato.core.tenant import Tenant
from legato.storage.data_keys import DataKeyTable
from legato.storage.kept.semantic_entries import SemanticEntryStore
from legato.storage.ledger.entries import EntryReader
from legato.storage.registry.models import RegistryModels
from legato.vault.envelope import Envelopes

if TYPE_CHECKING:
    from legato.gateway.semantic.bounds import Bounds

MARKS: Final = "marks.bounds"
"""What people called wrong, as a worker's file of what bounds have seen."""


class CacheDesk:
    """One organisation's. Every method blocks, and may raise StorageUnavailable."""

    def __init__(
        self,
        tenant: Tenant,
        archive: Archive,
        reader: EntryReader,
        *,
        config: Callable[[], Config],
        folder: Path,
    ) -> None:
        """`folder` is where workers leave what bounds have seen; `config` has all routes."""
        self._org = tenant.org
        self._archive = archive
        self._reader = reader
        self._config = config
        self._folder = folder

    def entries(self, selection: Selection, after: str = "") -> Iterator[tuple[Entry, Counts]]:
        """Yield the entries that a selection names, oldest first, those after one."""
        return self._archive.entries(self._within(selection), after)

    def purge(self, selection: Selection) -> int:
        """Have all workers forget what a selection names, within a second; return how many."""
        return self._archive.forget(self._within(selection))

    def wrong(self, request_id: str) -> str:
        """Call the hit that a request got wrong: its entry goes, and its bound learns.

        Returns the entry's id.

        Raises:
            NotFound: no trace of this request is kept.
            Conflict: it was no hit of the semantic cache.
        """
        ours = time_ns_of(request_id) is not None
        trace = self._reader.trace(request_id) if ours else None
        if trace is None:
            raise NotFound("no trace of this request is kept", param="request_id")
        facts = None if trace["decision"] is None else trace["decision"].semantic
        if facts is None or not facts.served:
            raise Conflict("the semantic cache did not answer this request", param="request_id")
        route = next((one["route"] for one in self._reader.entries_of(request_id)), "")
        self.purge(Selection(ids=(facts.entry,)))
        config = self._config()
        terms = _terms(config, route)
        if terms is not None and config.cache.semantic is not None:
            team = "" if terms.sharing == "organisation" else trace["team"]
            said = config.cache.semantic
            bounds = self._marks(said.check_share, learnt_under(config, said))
            self._mark(bounds, f"{self._org}\x1f{team}\x1f{route}", terms, facts.score)
        return str(facts.entry)

    def bounds(self) -> list[BoundSeen]:
        """Return what bounds have seen, by team and route, over all workers."""
        if not any(self._folder.glob("*.bounds")):
            return []
        from legato.gateway.semantic.bounds import (  # noqa: PLC0415 - wants an extra
            embedder_of,
            seen_in,
        )

        found = []
        for name, tallies in seen_in(self._folder).items():
            for scope, tally in tallies.items():
                org, team, route = scope.decode().split("\x1f")
                if org == self._org:
                    found.append(
                        BoundSeen(
                            team=team,
                            route=route,
                            bound=name.partition("/")[0],
                            embedder=embedder_of(name),
                            requests=tally.requests,
                            hits=tally.hits,
                            checked=tally.checked,
                            wrong=tally.wrong,
                        )
                    )
        return sorted(found, key=lambda one: (one.route, one.team, one.bound))

    def _within(self, selection: Selection) -> Selection:
        return msgspec.structs.replace(selection, org=self._org)

    def _marks(self, check_share: float, embedder: str) -> "Bounds":
        from legato.gateway.semantic.bounds import Bounds  # noqa: PLC0415 - wants an extra

        return Bounds(self._folder, Path(MARKS).stem, check_share, embedder)

    def _mark(self, bounds: "Bounds", scope: str, terms: SemanticTerms, score: float) -> None:
        """Write down that a hit was wrong, for the workers to read."""
        with (self._folder / "marks.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the control process and commands, one by one
            bounds.load()
            bounds.learn(scope, terms, score, right=False)
            bounds.flush()


def _terms(config: Config, alias: str) -> SemanticTerms | None:
    """Return the terms of a route."""
    for route in config.routes:
        said = route.cache.semantic
        if route.alias == alias and said is not None:
            return terms_of(said)
    return None


class Sources(NamedTuple):
    """Tables that a desk reads and writes."""

    keys: DataKeyTable
    entries: SemanticEntryStore
    reader: EntryReader
    models: RegistryModels


def open_cache_desk(sources: Sources, instance: Instance, tenant: Tenant) -> CacheDesk:
    """Return an organisation's; the reader is that organisation's, too."""
    sealing = Envelopes(open_data_keys(instance.loaded, instance.data, sources.keys))
    file = instance.loaded.config

    def config() -> Config:
        served, runs_batches = ServedModels(file, {}), with_unknown_credentials(file)
        reader = ServedReader(served, sources.models, sealing, runs_batches)
        reader.load()
        return reader.now.config

    return CacheDesk(
        tenant,
        Archive(sources.entries, sealing, SystemClock()),
        sources.reader,
        config=config,
        folder=instance.data.cache / "semantic",
    )
