"""The batches that haven't ended: their runs are started here, and handed on to the native lane."""

from typing import Final

from legato.core.durable import Engine, RunState
from legato.storage.runs.batches import BatchStore
from legato.workflows import batch_run, native_run

_UNFINISHED: Final = frozenset({RunState.WAITING, RunState.RUNNING})


class OpenBatches:
    """One process's view of them. Every method may raise StorageUnavailable."""

    def __init__(self, store: BatchStore, engine: Engine) -> None:
        self._store = store
        self._engine = engine
        self._started: set[str] = set()
        self._handed_on: set[str] = set()

    def begin(self) -> bool:
        """Start what isn't started yet; return whether a batch is open."""
        found = self._store.open()
        for org, batch_id in found:
            if batch_id not in self._started:
                self._engine.start(batch_run.WORKFLOW, batch_id, [org, batch_id], batch_run.QUEUE)
                self._started.add(batch_id)
            elif batch_id not in self._handed_on:
                self._hand_on(org, batch_id)
        return bool(found)

    def unfinished(self) -> bool:
        """Whether a batch is open, or the run of one that has ended isn't recorded to its end."""
        return bool(self._store.open() or self._engine.runs(states=_UNFINISHED, limit=1))

    def _hand_on(self, org: str, batch_id: str) -> None:
        run = self._engine.get(batch_id)
        if run.result == batch_run.NATIVE:
            run_id = batch_id + native_run.RUN_SUFFIX
            self._engine.start(native_run.WORKFLOW, run_id, [org, batch_id], native_run.QUEUE)
        if run.state is not RunState.WAITING and run.result is not None:
            self._handed_on.add(batch_id)
