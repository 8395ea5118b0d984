"""Reads what is live in the registry, and chooses what of it can be served."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from legato.app.models.model_checks import Found, RunsBatches, problems_of
from legato.app.models.served_models import ServedModels, TriedRoute, served
from legato.core.config import Route
from legato.core.errors import InvalidRequest
from legato.core.registry import INSTANCE_ORG, ObjectName, shown
from legato.registry.models import Live, read_model
from legato.registry.registry import Sealing, sealing_context
from legato.storage.registry.models import ModelPrice
from legato.storage.registry.records import RunningRollout, VersionRecord

_decode = msgspec.json.Decoder().decode
Chosen = Mapping[ObjectName, Live]


class ModelSource(Protocol):
    """Where live versions come from; blocking."""

    def version(self) -> int:
        """Return the newest version."""
        ...

    def read(self) -> tuple[int, list[VersionRecord], list[ModelPrice]]:
        """Return what is live with its prices, and the version it is at least as new as."""
        ...

    def rollouts(self) -> list[RunningRollout]:
        """Return the rollouts under way on routes."""
        ...


class ServedReader:
    """Reads what is served. A version that can't be served leaves the last good one in force."""

    def __init__(
        self, file: ServedModels, source: ModelSource, sealing: Sealing, runs_batches: RunsBatches
    ) -> None:
        self._file = file
        self._source = source
        self._sealing = sealing
        self._runs_batches = runs_batches
        self._version = -1
        self._chosen: Chosen = {}
        self.now = file
        """What was read last; the file alone before."""

    @property
    def complete(self) -> bool:
        """Whether the registry was ever read."""
        return self._version >= 0

    def load(self) -> ServedModels | None:
        """Return what is served now, None where nothing has changed. Blocking.

        Raises:
            StorageUnavailable: the database is away.
        """
        if self._source.version() == self._version:
            return None
        version, records, prices = self._source.read()
        wanted, withheld = self._opened(records)
        config = self._file.config

        def check(live: Chosen) -> list[Found]:
            return problems_of(config, in_order(live), self._runs_batches)

        self._chosen, refused = choose(wanted, self._chosen, check)
        tried, untried = self._tried()
        told = (*withheld, *refused, *untried)
        now = served(self._file, in_order(self._chosen), prices, told)
        self.now = msgspec.structs.replace(now, tried=tuple(tried))
        self._version = version
        return self.now

    def _tried(self) -> tuple[list[TriedRoute], list[str]]:
        """Return the rollouts of routes that can be served; of the others, why not."""
        tried, untried = [], []
        for running in self._source.rollouts():
            if running.name not in self._chosen:  # the label went between two reads
                continue
            try:
                opened = {arm: self._candidate(one) for arm, one in running.candidates.items()}
            except ValueError as error:
                untried.append(f"rollout {running.id} of {running.name}: {error}")
                continue
            tried.append(
                TriedRoute(
                    running.id, running.slices, running.name.name, opened, running.shadow_budget
                )
            )
        return tried, untried

    def _candidate(self, record: VersionRecord) -> tuple[Route, str]:
        """Return a version as it can be served beside the rest. Raises ValueError."""
        live = open_live(record, self._sealing)
        if not isinstance(live.model, Route):
            raise ValueError(f"{live.shown} is no route")  # noqa: TRY004 -- of stored data
        trial = in_order({**self._chosen, live.name: live})
        found = problems_of(self._file.config, trial, self._runs_batches)
        if found:
            raise ValueError(_told(live.name, {live.name: live}, found))
        return live.model, live.shown

    def _opened(self, records: Sequence[VersionRecord]) -> tuple[Chosen, list[str]]:
        """Return the versions that can be read; of the others, those that were in force before."""
        opened, withheld = {}, []
        for record in records:
            try:
                opened[record.name] = open_live(record, self._sealing)
            except ValueError as error:
                name = shown(record.name, record.digest)
                withheld.append(f"{name} can't be read ({type(error).__name__})")
                if record.name in self._chosen:
                    opened[record.name] = self._chosen[record.name]
        return opened, withheld


def open_live(record: VersionRecord, sealing: Sealing) -> Live:
    """Return a version as it is served. Raises ValueError where it can't be read."""
    context = sealing_context(record.name, record.digest)
    content: Any = _decode(sealing.open(INSTANCE_ORG, record.sealed, context))
    try:
        return Live(record.name, record.digest, read_model(record.name, content))
    except InvalidRequest as error:
        raise ValueError(error.message) from None


def in_order(live: Chosen) -> list[Live]:
    """Return them by kind and name."""
    return [live[name] for name in sorted(live)]


def choose(
    wanted: Chosen, before: Chosen, check: Callable[[Chosen], list[Found]]
) -> tuple[Chosen, list[str]]:
    """Return what can be served of what is wanted, and why the rest can't.

    All of it where that is sound. Else each change by itself, on top of what was served before:
    one that breaks something leaves things as they were.
    """
    if not check(wanted):
        return wanted, []
    chosen = dict(before)
    waiting = [name for name in sorted({*wanted, *before}) if wanted.get(name) != before.get(name)]
    refused: dict[ObjectName, list[Found]] = {}
    taken = True
    while taken:
        taken = False
        for name in list(waiting):
            trial = {one: live for one, live in chosen.items() if one != name}
            if name in wanted:
                trial[name] = wanted[name]
            refused[name] = check(trial)
            if not refused[name]:
                chosen, taken = trial, True
                waiting.remove(name)
    return chosen, [_told(name, wanted, refused[name]) for name in waiting]


def _told(name: ObjectName, wanted: Chosen, found: Sequence[Found]) -> str:
    which = wanted[name].shown if name in wanted else f"taking {name} away"
    said = "; ".join(
        f"{one}" if one.owner in {None, name} else f"{one.owner} {one}" for one in found
    )
    return f"{which}: {said}"
