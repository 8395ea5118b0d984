"""The steps between what entries would have cost and what they did, as the ledger keeps them."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, inspect, select, text

import legato.storage.migrate as migrate_module
from legato.core.clock import ManualClock
from legato.core.records import EntryKind, encode_record
from legato.core.tenant import EVERY_TENANT
from legato.economics.waterfall import STEP_COLUMNS, Steps
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.sums import SpendSums
from legato.storage.ledger.verify import verify
from legato.storage.migrate import upgrade
from legato.storage.tables.schema import ledger_entry, metadata

from .journal_records import encoded, intent, settled

WRITER = "boot-0"
SEGMENT = f"{WRITER}/000001.seg"
NAMED = (0, 300, 500, 150, 100, -50)


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock)


def kept(engine: Engine) -> list[Steps]:
    entry = ledger_entry.c
    wanted = select(*[entry[name] for name in STEP_COLUMNS]).order_by(entry.id)
    with engine.connect() as connection:
        return [Steps(*row) for row in connection.execute(wanted)]


def test_an_entry_keeps_its_steps_or_has_those_of_its_kind(ledger: Ledger, engine: Engine) -> None:
    records = encoded(
        settled("r1", steps=NAMED),
        settled("r2"),
        settled("r3", kind=EntryKind.CACHE, cost=0),
        settled("r4", kind=EntryKind.RETRY),
        settled("r5", cost=None),
        settled("r6", cost=1500),
        settled("r7", steps=(1, 1, 1, 1, 1, 1)),
    )
    ledger.commit(SEGMENT, 1, records)
    expected = {
        "r1": Steps(*NAMED),
        "r2": Steps(routing=1000),
        "r3": Steps(cache=1500),
        "r4": Steps(overhead=-500),
        "r5": Steps(),
        "r6": Steps(),
        "r7": Steps(routing=1000),
    }
    with engine.connect() as connection:
        rows = connection.execute(select(ledger_entry)).mappings().all()
    found = {row["request_id"]: Steps(*[row[name] for name in STEP_COLUMNS]) for row in rows}
    assert found == expected
    total = SpendSums(engine, EVERY_TENANT).total()
    assert sum(total.steps.values()) == total.saved == 1000 + 1000 + 1500 - 500 + 1000
    assert verify(engine).ok


def test_a_record_of_before_reads_and_has_the_steps_of_its_kind(
    ledger: Ledger, engine: Engine
) -> None:
    whole = encode_record(settled("r1"))
    # items behind three bytes of head; the last two are an empty array and an empty text
    assert whole[:1] == b"\xdc"
    assert whole.endswith(b"\x90\xa0")
    before = b"\xdc" + (int.from_bytes(whole[1:3]) - 2).to_bytes(2) + whole[3:-2]
    ledger.commit(SEGMENT, 1, [before])
    assert kept(engine) == [Steps(routing=1000)]


def test_what_is_lost_has_steps_and_a_late_outcome_reverses_them(
    ledger: Ledger, engine: Engine
) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1")))
    ledger.writer_finished(WRITER)
    ledger.commit("boot-0/2", 1, encoded(settled("r1", steps=NAMED)))
    assert kept(engine) == [Steps(routing=1100), Steps(routing=-1100), Steps(*NAMED)]
    assert verify(engine).ok


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("UPDATE ledger_entry SET step_routing = step_routing + 1", "baseline minus cost"),
        ("UPDATE ledger_entry SET step_cache = 7, step_routing = step_routing - 7", "opposite"),
    ],
)
def test_verifying_finds_steps_that_do_not_add_up(
    ledger: Ledger, engine: Engine, broken: str, told: str
) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1"), settled("r2", steps=NAMED)))
    ledger.writer_finished(WRITER)
    ledger.commit("boot-0/2", 1, encoded(settled("r1")))
    assert verify(engine).ok
    with engine.begin() as connection:
        connection.execute(text(broken))
    assert any(told in problem.what for problem in verify(engine).problems)


def test_entries_of_before_get_the_steps_that_follow_from_them(
    open_empty: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    engine = open_empty()
    with monkeypatch.context() as patch:
        patch.setattr(migrate_module, "SCHEMA_VERSION", "0040")
        upgrade(engine, step_by_step=True)
    there = set(inspect(engine).get_table_names())
    metadata.create_all(engine)  # what today's code looks into
    own = {"deployment": "large", "baseline_model": "large"}
    records = encoded(
        settled("r1"),
        settled("r2", kind=EntryKind.CACHE, cost=0),
        settled("r3", kind=EntryKind.RETRY),
        settled("r4", cost=None),
        settled("r5", measures="prompt_cache", **own),
        settled("r6", measures="removed:812", **own),
        settled("r7", measures="prompt_cache removed:812", **own),
        settled("r8", measures="removed:812"),
        intent("r9"),
    )
    Ledger(engine, clock).commit(SEGMENT, 1, records)
    Ledger(engine, clock).writer_finished(WRITER)
    Ledger(engine, clock).commit("boot-0/2", 1, encoded(settled("r9")))
    with engine.begin() as connection:  # as it was
        for table in set(metadata.tables) - there:
            connection.execute(text(f"DROP TABLE {table}"))
        for name in STEP_COLUMNS:
            connection.execute(text(f"ALTER TABLE ledger_entry DROP COLUMN {name}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0039'"))
    upgrade(engine)
    assert kept(engine) == [
        Steps(routing=1000),
        Steps(cache=1500),
        Steps(overhead=-500),
        Steps(),
        Steps(prompt_cache=1000),
        Steps(shortening=1000),
        Steps(routing=1000),
        Steps(routing=1000),
        Steps(routing=1100),
        Steps(routing=-1100),
        Steps(routing=1000),
    ]
    assert verify(engine).ok
