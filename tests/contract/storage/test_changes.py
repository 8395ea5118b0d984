"""What came since somebody looked is found, of every tenant and once, on either database."""

from sqlalchemy import Engine, event

from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Area
from legato.storage.changes import ROWS_MAX, Change, Changes
from legato.storage.ledger.ledger import Ledger
from legato.storage.tenants.key_records import KeySpec
from legato.storage.tenants.keys import KeyStore

from .journal_records import encoded, served, settled


def commit(engine: Engine, clock: ManualClock, end: int, *records: object) -> None:
    Ledger(engine, clock).commit("w/1", end, encoded(*records))


def test_what_came_is_told_once_with_whose_it_is(engine: Engine, clock: ManualClock) -> None:
    changes = Changes(engine)
    before = changes.now()
    assert changes.since(before) == (set(), before)
    commit(engine, clock, 1, settled("r1"), settled("r2", org="other"), served("r1"))
    found, then = changes.since(before)
    entries = {one.area.org for one in found if one.table == "ledger_entry"}
    assert entries == {"acme", "other"}
    assert all(one.area.team for one in found if one.table == "ledger_entry")
    assert Change("trace_block", Area("acme")) in found
    assert changes.since(then) == (set(), then)


def test_an_act_is_told_by_its_name_in_the_audit_log(
    engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    changes = Changes(engine)
    before = changes.now()
    store = KeyStore(engine, clock, ids, EVERY_TENANT)
    store.create(KeySpec(name="a", org="acme", team="t", feature="f"), b"a")
    found, _ = changes.since(before)
    assert Change("audit_event", Area("acme"), "key.create") in found


def test_more_than_one_look_takes_is_told_by_the_next(engine: Engine, clock: ManualClock) -> None:
    changes = Changes(engine)
    before = changes.now()
    many = [settled(f"r{number:06}") for number in range(ROWS_MAX)]
    commit(engine, clock, 1, *many, settled("r9", org="other"))
    first, then = changes.since(before)
    second, last = changes.since(then)
    assert {one.area.org for one in first if one.table == "ledger_entry"} == {"acme"}
    assert {one.area.org for one in second if one.table == "ledger_entry"} == {"other"}
    assert changes.since(last)[0] == set()


def test_a_look_at_nothing_new_is_one_statement(engine: Engine, clock: ManualClock) -> None:
    commit(engine, clock, 1, settled("r1"))
    changes, statements = Changes(engine), []
    before = changes.now()

    @event.listens_for(engine, "before_cursor_execute")
    def count(_connection, _cursor, statement, *_rest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
        statements.append(statement)

    changes.since(before)
    assert len([one for one in statements if one.startswith("SELECT")]) == 1
