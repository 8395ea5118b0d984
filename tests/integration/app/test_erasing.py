"""An act of erasing that is cut off: asked for again, it is finished, and counts all of it."""

from pathlib import Path

import pytest

from legato.app.desks.erasing import Erasing, Rooms
from legato.core.clock import SystemClock
from legato.core.erasure import Subject
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.evaluation.datasets import Datasets
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore
from legato.storage.evaluation.datasets import DatasetBlocks
from legato.storage.kept.files import FileStore
from legato.storage.kept.responses import ResponseStore, StoredResponse
from legato.storage.kept.semantic_entries import SemanticEntryStore
from legato.storage.migrate import upgrade
from legato.storage.runs.batches import BatchStore
from legato.vault.data_keys import DataKeys
from legato.vault.envelope import Envelopes
from legato.vault.key_service import LocalKeys
from legato.workflows.file_erasing import FileErasing

ACME, ANN = Tenant("acme"), "a" * 24


class Cut(ContentEraser):
    """Ends in the midst, as a killed process does."""

    def responses(self, meant: Meant) -> int:
        done = super().responses(meant)
        if not self._dry_run:
            raise InterruptedError
        return done


def test_what_was_cut_off_is_finished_and_counted_once(tmp_path: Path) -> None:
    engine, clock = open_engine(f"sqlite:///{tmp_path / 'legato.db'}"), SystemClock()
    upgrade(engine)
    ids = IdSource(clock)
    keys = DataKeys(DataKeyTable(engine), lambda: LocalKeys([b"k" * 32]), clock, ids)
    envelopes = Envelopes(keys)
    rooms = Rooms(
        Datasets("acme", DatasetBlocks(engine, ACME), envelopes),
        FileErasing("acme", (FileStore(engine), BatchStore(engine)), envelopes, lambda _, one: one),
        SemanticEntryStore(engine, clock),
    )
    store = ErasureStore(engine, clock, ids, ACME)
    ResponseStore(engine).put(StoredResponse("acme", "resp_1", "", 1, b"s", ids.new(), ANN))
    cut = Erasing("acme", store, lambda dry: Cut(engine, ACME, dry_run=dry), rooms)
    with pytest.raises(InterruptedError):
        cut.erase(Subject(ANN), "operator:me")
    assert [one.ended_at_ns for one in store.page(9, None)] == [None]
    whole = Erasing("acme", store, lambda dry: ContentEraser(engine, ACME, dry_run=dry), rooms)
    assert whole.erase(Subject(ANN), "operator:me").erased["kept responses"] == 1
    assert whole.erase(Subject(ANN), "operator:me").erased["kept responses"] == 0
    assert [one.ended_at_ns is not None for one in store.page(9, None)] == [True, True]
    engine.dispose()
