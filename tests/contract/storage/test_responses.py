"""Kept responses on either database, and on their way there."""

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine

from legato.core.errors import StorageUnavailable
from legato.storage.database.engine import open_engine
from legato.storage.kept.kept_responses import KeptResponses, NotKept
from legato.storage.kept.response_spool import ResponseSpool
from legato.storage.kept.responses import ResponseStore, StoredResponse

ACME, OTHER = "acme", "other"


def turn(name: str, previous: str = "", at_ns: int = 1, org: str = ACME) -> StoredResponse:
    return StoredResponse(org, f"resp_{name}", previous and f"resp_{previous}", at_ns, b"sealed")


@pytest.fixture
def store(engine: Engine) -> ResponseStore:
    return ResponseStore(engine)


@pytest.fixture
def spool(tmp_path: Path) -> ResponseSpool:
    folder = tmp_path / "responses"
    folder.mkdir()
    return ResponseSpool(folder, durable=True)


def test_a_chain_is_found_newest_first(store: ResponseStore) -> None:
    turns = [turn("a"), turn("b", "a"), turn("c", "b"), turn("d", "b")]
    for one in turns:
        store.put(one)
        store.put(one)  # again changes nothing
    assert store.chain(ACME, "resp_c") == [turns[2], turns[1], turns[0]]
    assert store.get(ACME, "resp_d") == turns[3]


def test_another_organisation_has_none_of_it(store: ResponseStore) -> None:
    store.put(turn("a"))
    store.put(turn("b", "a", org=OTHER))
    assert store.chain(OTHER, "resp_a") == []
    assert store.chain(OTHER, "resp_b") == [turn("b", "a", org=OTHER)]
    assert store.delete(OTHER, "resp_a") is False
    assert store.get(ACME, "resp_a") == turn("a")


def test_a_conversation_is_kept_as_long_as_it_goes_on(store: ResponseStore) -> None:
    for one in (turn("a", at_ns=1), turn("b", "a", at_ns=90), turn("x", at_ns=5)):
        store.put(one)
    assert store.prune(50) == 1
    assert [one.id for one in store.chain(ACME, "resp_b")] == ["resp_b", "resp_a"]
    assert store.get(ACME, "resp_x") is None
    assert store.prune(100) == 1
    assert store.get(ACME, "resp_a") is None


def test_what_waits_on_disk_is_found_and_handed_over(
    store: ResponseStore, spool: ResponseSpool
) -> None:
    kept = KeptResponses(store, spool)
    turns = [turn("a"), turn("b", "a"), turn("c", "b")]
    store.put(turns[0])
    kept.keep(turns[1])
    kept.keep(turns[2])
    assert kept.chain(ACME, "resp_c") == turns
    assert kept.chain(OTHER, "resp_c") == []
    assert store.get(ACME, "resp_b") is None
    assert spool.drain(store) == 2
    assert spool.ids() == []
    assert kept.chain(ACME, "resp_c") == turns
    assert kept.delete(ACME, "resp_a") is True
    assert kept.chain(ACME, "resp_c") == []
    assert kept.delete(ACME, "resp_a") is False


def test_one_deleted_while_it_is_handed_over_stays_deleted(
    store: ResponseStore, spool: ResponseSpool
) -> None:
    class DeletedMeanwhile(ResponseStore):
        def put(self, response: StoredResponse) -> None:
            super().put(response)
            assert spool.remove(response.id)

    spool.write(turn("a"))
    spool.drain(DeletedMeanwhile(store._engine))
    assert store.get(ACME, "resp_a") is None


def test_a_damaged_file_is_put_aside(store: ResponseStore, spool: ResponseSpool) -> None:
    spool.write(turn("a"))
    spool.write(turn("b"))
    (path,) = spool._folder.glob("resp_a*")
    path.write_bytes(path.read_bytes()[:-9])
    assert spool.drain(store) == 2
    assert store.get(ACME, "resp_b") == turn("b")
    assert [file.suffix for file in spool._folder.iterdir()] == [".damaged"]


def test_where_the_spool_is_full_the_database_takes_it(
    store: ResponseStore, tmp_path: Path
) -> None:
    full = ResponseSpool(tmp_path, durable=False, bytes_max=1)
    KeptResponses(store, full).keep(turn("a"))
    assert store.get(ACME, "resp_a") == turn("a")
    nowhere = open_engine(f"sqlite:///{tmp_path / 'no' / 'place'}")
    with pytest.raises(NotKept):
        KeptResponses(ResponseStore(nowhere), full).keep(turn("b"))
    with pytest.raises(StorageUnavailable):
        KeptResponses(ResponseStore(nowhere), full).chain(ACME, "resp_b")


def test_files_are_their_owners_alone(spool: ResponseSpool) -> None:
    spool.write(turn("a"))
    (path,) = spool._folder.iterdir()
    assert os.stat(path).st_mode & 0o777 == 0o600  # noqa: PTH116 -- as the system says
