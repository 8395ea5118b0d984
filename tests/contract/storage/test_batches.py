"""Batches and their lines: what is recorded of a line stays, and counts once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from legato.storage.runs.batches import BatchRecord, BatchStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

CHATS, MESSAGES = "/v1/chat/completions", "/v1/messages"
FIRST = BatchRecord(
    org="acme",
    id="batch_1",
    key_id="k",
    endpoint=CHATS,
    input_file_id="file-1",
    output_file_id="file-2",
    error_file_id="file-3",
    status="in_progress",
    created_at_ns=1,
    expires_at_ns=2,
    sealed=b"x",
)


@pytest.fixture
def store(engine: Engine) -> BatchStore:
    store = BatchStore(engine)
    store.create(FIRST)
    return store


def test_a_line_recorded_again_counts_once(store: BatchStore) -> None:
    for sealed in (b"first", b"second"):
        store.record_line("acme", "batch_1", 0, failed=False, sealed=sealed)
    store.record_line("acme", "batch_1", 1, failed=True, sealed=b"bad")
    store.record_line("acme", "batch_1", 1, failed=True, sealed=b"bad")
    found = store.get("acme", "batch_1")
    assert found is not None
    assert (found.completed, found.failed) == (1, 1)
    assert list(store.lines("acme", "batch_1", failed=False)) == [(0, b"first")]


def test_pages_show_one_kind_and_nothing_deleted(store: BatchStore) -> None:
    for number, endpoint in ((2, MESSAGES), (3, MESSAGES), (4, MESSAGES), (5, CHATS)):
        again = msgspec.structs.replace(FIRST, id=f"batch_{number}", endpoint=endpoint)
        store.create(again)

    def shown(endpoint: str, **place: str) -> list[str]:
        return [one.id[-1] for one in store.page("acme", (endpoint,), limit=2, **place)]

    assert shown(CHATS) == ["5", "1"]
    assert shown(MESSAGES) == ["4", "3"]
    assert shown(MESSAGES, after="batch_4") == ["3", "2"]
    assert shown(MESSAGES, before="batch_2") == ["4", "3"]
    assert shown(MESSAGES, before="batch_3") == ["4"]
    store.change("acme", "batch_4", ("in_progress",), status="deleted")
    assert shown(MESSAGES) == ["3", "2"]
    assert not store.page("other", (CHATS,), limit=2)
