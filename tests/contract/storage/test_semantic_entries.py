"""Entries of the semantic cache, followed by several workers over one database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, text

from legato.cache.exact import CachedAnswer
from legato.cache.semantic.archive import Archive
from legato.cache.semantic.entry import Entry
from legato.core.clock import ManualClock
from legato.core.errors import StorageUnavailable
from legato.core.ids import IdSource
from legato.core.semantic_records import Batch, Counts, Selection
from legato.core.usage import Usage
from legato.storage.data_keys import DataKeyTable
from legato.storage.kept.semantic_entries import SemanticEntryStore
from legato.vault.data_keys import DataKeys
from legato.vault.envelope import Envelopes
from legato.vault.key_service import LocalKeys

np = pytest.importorskip("numpy")

from legato.cache.semantic.index import SemanticIndex  # noqa: E402 - it needs numpy

_HOUR_NS = 3_600_000_000_000
PARTITION = b"p" * 16
VECTOR = np.eye(1, 64, dtype=np.float32)[0]
SECRET = "how do I hide the unusual treasure"


@pytest.fixture
def envelopes(engine: Engine, clock: ManualClock, ids: IdSource) -> Envelopes:
    return Envelopes(DataKeys(DataKeyTable(engine), lambda: LocalKeys([b"k" * 32]), clock, ids))


@pytest.fixture
def store(engine: Engine, clock: ManualClock) -> SemanticEntryStore:
    return SemanticEntryStore(engine, clock)


@pytest.fixture
def archive(store: SemanticEntryStore, envelopes: Envelopes, clock: ManualClock) -> Archive:
    return Archive(store, envelopes, clock)


@pytest.fixture
def new_index(
    store: SemanticEntryStore, envelopes: Envelopes, clock: ManualClock
) -> Callable[..., SemanticIndex]:
    def make(**options: Any) -> SemanticIndex:
        fixed = {"dimensions": 64, "embedder": "test-64@0", "memory_bytes_max": 1_000_000}
        return SemanticIndex(
            **{**fixed, "store": store, **options},
            sealer=envelopes,
            clock=clock,
            in_thread=asyncio.to_thread,
        )

    return make


@pytest.fixture
def new_entry(clock: ManualClock, ids: IdSource) -> Callable[..., Entry]:
    def make(**changes: Any) -> Entry:
        now_ns = clock.now_ns()
        facts: dict[str, Any] = {
            "id": ids.new(),
            "partition": PARTITION,
            "text": SECRET,
            "answer": CachedAnswer(b"{}", False, Usage(), 1, "big", "big-1", 0),
            "cost": 1_000_000,
            "org": "acme",
            "team": "core",
            "route": "chat",
            "versions": "prompt/hello@1",
            "tags": ("faq",),
            "created_ns": now_ns,
            "expires_ns": now_ns + _HOUR_NS,
        }
        return Entry(**{**facts, **changes})

    return make


@asynccontextmanager
async def following(*indexes: SemanticIndex) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(index.follow()) for index in indexes]
        yield
        for task in tasks:
            task.cancel()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.02)


async def test_what_one_worker_keeps_another_finds(
    new_index: Callable[..., SemanticIndex], new_entry: Callable[..., Entry]
) -> None:
    one, two = new_index(), new_index()
    entry = new_entry()
    async with following(one, two):
        assert one.add(entry, VECTOR)
        await until(lambda: len(two) == 1)
        ((found, similarity),) = [
            (hit.entry, hit.similarity) for hit in two.nearest(PARTITION, VECTOR)
        ]
        assert found == entry
        assert similarity == pytest.approx(1.0, abs=1e-3)
        assert two.nearest(b"q" * 16, VECTOR) == []
        two.hit(entry.id, 700)
        two.wrong(entry.id)
        one.hit(entry.id, 300)
        await until(lambda: one.counts(entry.id) == two.counts(entry.id) == Counts(2, 1_000, 1))


async def test_a_restart_finds_everything_but_what_was_forgotten(
    new_index: Callable[..., SemanticIndex], new_entry: Callable[..., Entry]
) -> None:
    one = new_index()
    entries = [new_entry(tags=(f"n{n}",)) for n in range(250)]
    for entry in entries:
        one.add(entry, VECTOR)
    one.flush()
    assert one.forget(Selection(org="acme", tags=("n7",))) == 1
    one.flush()
    two = new_index()
    async with following(two):
        await until(lambda: len(two) == 249)
        assert two.get(entries[7].id) is None
        assert two.get(entries[249].id) == entries[249]


async def test_a_purge_catches_what_comes_in_late(
    new_index: Callable[..., SemanticIndex], new_entry: Callable[..., Entry], clock: ManualClock
) -> None:
    one, two = new_index(), new_index()
    asked_before, other = new_entry(), new_entry(versions="prompt/other@1")
    clock.advance(1)
    async with following(one, two):
        one.forget(Selection(org="acme", versions="prompt/hello@"))
        assert not one.add(asked_before, VECTOR)
        two.add(asked_before, VECTOR)  # it may not have heard
        two.add(other, VECTOR)
        clock.advance(1)
        two.add(new_entry(text="asked after"), VECTOR)
        await until(lambda: len(one) == len(two) == 2)
        assert {entry.text for entry in one.entries()} == {SECRET, "asked after"}
    three = new_index()
    async with following(three):
        await until(lambda: len(three) == 2)


@pytest.mark.parametrize(
    "case",
    [
        (Selection(org="acme"), {"b"}),
        (Selection(org="acme", tags=("x",)), {"b", "c"}),
        (Selection(org="other", tags=("x",)), {"a", "b", "c"}),
        (Selection(partition=PARTITION), set()),
        (Selection(route="chat", org="bolt"), {"a", "c"}),
        (Selection(), set()),
    ],
)
async def test_whoever_has_no_index_purges_in_all_of_them(
    case: tuple[Selection, set[str]],
    new_index: Callable[..., SemanticIndex],
    new_entry: Callable[..., Entry],
    archive: Archive,
) -> None:
    one, (selection, left) = new_index(), case
    async with following(one):
        one.add(new_entry(text="a", tags=("x",)), VECTOR)
        one.add(new_entry(text="b", org="bolt"), VECTOR)
        one.add(new_entry(text="c"), VECTOR)
        await until(lambda: len(list(archive.entries(Selection()))) == 3)
        assert archive.forget(selection) == 3 - len(left)
        await until(lambda: {entry.text for entry in one.entries()} == left)
        await until(lambda: {entry.text for entry, _ in archive.entries(Selection())} == left)


@pytest.mark.parametrize(
    "selection",
    [Selection(org="acme", user="u" * 24), Selection(org="acme", requests=("r1", "r2"))],
)
async def test_erasing_empties_everybodys_memory_of_what_a_user_asked(
    selection: Selection,
    new_index: Callable[..., SemanticIndex],
    new_entry: Callable[..., Entry],
    store: SemanticEntryStore,
) -> None:
    one, two = new_index(), new_index()
    whose = {"user": "u" * 24, "request_id": "r1"}
    late = new_entry(text="late", user="u" * 24, request_id="r2")
    async with following(one, two):
        one.add(new_entry(text="hers", **whose), VECTOR)
        one.add(new_entry(text="another's", user="v" * 24, request_id="r3"), VECTOR)
        one.add(new_entry(text="nobody's"), VECTOR)
        one.add(new_entry(text="elsewhere", org="bolt", **whose), VECTOR)
        await until(lambda: len(two) == 4)
        assert store.erase(selection, dry_run=True) == 1
        assert store.erase(selection, dry_run=False) == 1
        await until(lambda: len(one) == len(two) == 3)
        assert {entry.text for entry in two.entries()} == {"another's", "nobody's", "elsewhere"}
        assert not two.add(late, VECTOR)  # asked before, answered after
        assert two.add(new_entry(created_ns=late.created_ns + 1, **whose), VECTOR)


async def test_nothing_of_an_entry_lies_in_the_clear(
    new_index: Callable[..., SemanticIndex], new_entry: Callable[..., Entry], engine: Engine
) -> None:
    one = new_index()
    entry = new_entry(versions="prompt/verysecretname@1")
    one.add(entry, VECTOR)
    one.flush()
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM semantic_entry")).all()
    raw = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in rows[0])
    for hidden in (SECRET.encode(), PARTITION, b"verysecretname", b"\x00\xff\x7f" + bytes(8)):
        assert hidden not in raw
    one.forget(Selection(ids=(entry.id,)))
    one.flush()
    with engine.connect() as connection:
        sealed = connection.execute(text("SELECT sealed FROM semantic_entry")).scalar_one()
    assert bytes(sealed) == b""


async def test_another_tenants_row_is_not_taken_for_ones_own(
    new_index: Callable[..., SemanticIndex], new_entry: Callable[..., Entry], engine: Engine
) -> None:
    one = new_index()
    one.add(new_entry(), VECTOR)
    one.add(new_entry(org="bolt"), VECTOR)
    one.flush()
    with engine.begin() as connection:
        connection.execute(text("UPDATE semantic_entry SET org = 'bolt' WHERE org = 'acme'"))
    two = new_index()
    async with following(two):
        await until(lambda: two.failures == 1 and len(two) == 1)
        assert [entry.org for entry in two.entries()] == ["bolt"]


async def test_who_destroys_an_organisations_keys_empties_everybodys_memory_of_it(
    new_index: Callable[..., SemanticIndex],
    new_entry: Callable[..., Entry],
    engine: Engine,
    clock: ManualClock,
) -> None:
    one, two = new_index(), new_index()
    late = new_entry(text="asked before, answered after")
    async with following(one, two):
        for entry in (new_entry(), new_entry(), new_entry(org="bolt")):
            one.add(entry, VECTOR)
        await until(lambda: len(two) == 3)
        assert DataKeyTable(engine).destroy("acme", "ada", clock.now_ns()) == 1
        await until(lambda: len(one) == len(two) == 1)
        assert not two.add(late, VECTOR)
    with engine.connect() as connection:
        statement = text("SELECT sealed FROM semantic_entry WHERE org = 'acme'")
        assert [bytes(row.sealed) for row in connection.execute(statement)] == [b"", b""]


async def test_other_embedders_entries_are_not_seen(
    new_index: Callable[..., SemanticIndex], new_entry: Callable[..., Entry]
) -> None:
    one, two = new_index(), new_index(embedder="test-64@1")
    one.add(new_entry(), VECTOR)
    two.add(new_entry(text="mine"), VECTOR)
    async with following(one, two):
        three = new_index()
        async with following(three):
            await until(lambda: len(three) == 1)
        assert [entry.text for entry in two.entries()] == ["mine"]


async def test_what_expired_and_what_was_forgotten_leaves_the_database(
    new_index: Callable[..., SemanticIndex],
    new_entry: Callable[..., Entry],
    store: SemanticEntryStore,
    clock: ManualClock,
) -> None:
    one = new_index()
    forgotten, short = new_entry(), new_entry(expires_ns=clock.now_ns() + 1_000)
    for entry in (forgotten, short, new_entry(expires_ns=clock.now_ns() + 100 * _HOUR_NS)):
        one.add(entry, VECTOR)
    one.flush()
    one.forget(Selection(ids=(forgotten.id,)))
    one.flush()
    clock.advance(1)
    assert store.prune() == 1
    assert one.get(short.id) is None
    clock.advance(3_601)
    assert store.prune() == 1
    assert len(store.purges(-1)) == 1
    clock.advance(101 * 3_600)
    assert store.prune() == 1
    assert store.purges(-1) == []
    assert store.listed(None, "", 10) == []


async def test_memory_is_bounded_and_what_saves_least_goes_everywhere(
    new_index: Callable[..., SemanticIndex], new_entry: Callable[..., Entry]
) -> None:
    one = new_index(memory_bytes_max=30_000)
    dear = [new_entry(cost=10**9) for _ in range(3)]
    for entry in [*dear, *(new_entry(cost=10) for _ in range(40))]:
        one.add(entry, VECTOR)
    assert one.bytes_held <= 30_000
    two = new_index()
    async with following(one, two):
        await until(lambda: len(two) == len(one) == 43 - one.evicted)
        assert all(two.get(entry.id) for entry in dear)


class _SometimesAway(SemanticEntryStore):
    away = False

    def latest(self) -> int:
        self._require()
        return super().latest()

    def write(self, embedder: str, batch: Batch) -> None:
        self._require()
        super().write(embedder, batch)

    def _require(self) -> None:
        if self.away:
            raise StorageUnavailable("the database is unavailable: no connection")


async def test_a_database_that_is_away_loses_nothing(
    new_index: Callable[..., SemanticIndex],
    new_entry: Callable[..., Entry],
    engine: Engine,
    clock: ManualClock,
) -> None:
    away = _SometimesAway(engine, clock)
    one = new_index(store=away)
    entry, gone = new_entry(), new_entry()
    one.add(gone, VECTOR)
    one.flush()
    away.away = True
    async with following(one):
        one.add(entry, VECTOR)
        one.hit(entry.id, 5)
        await until(lambda: one.failures > 0)
        one.hit(entry.id, 7)
        assert one.forget(Selection(ids=(gone.id,))) == 1
        with pytest.raises(StorageUnavailable):
            one.flush()
        away.away = False
        two = new_index()
        async with following(two):
            await until(lambda: two.counts(entry.id) == Counts(2, 12, 0) and len(two) == 1)
