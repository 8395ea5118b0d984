"""States of twins, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from legato.core.erasure import Subject
from legato.core.tenant import Tenant
from legato.storage.database.engine import writing
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore
from legato.storage.privacy.pruning import prune_kind
from legato.storage.workflows.twins import TwinPlace, TwinState, TwinStates

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from legato.core.clock import ManualClock
    from legato.core.ids import IdSource

ACME, OTHER = Tenant("acme"), Tenant("other")
PLACE = TwinPlace("stock", "digest")


def add_one(engine: Engine, place: TwinPlace = PLACE, at_ns: int = 1) -> None:
    states = TwinStates(engine, ACME)
    with writing(engine) as connection:
        found = states.locked(connection, place)
        count = int(found.sealed or b"0") + 1
        states.put(connection, place, TwinState(found.version + 1, str(count).encode(), at_ns))


def test_changes_at_once_come_one_after_the_other(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: add_one(engine), range(40)))
    assert TwinStates(engine, ACME).find(PLACE) == TwinState(40, b"40", 1)


def test_what_fails_leaves_nothing(engine: Engine) -> None:
    states = TwinStates(engine, ACME)

    def fail() -> None:
        with writing(engine) as connection:
            states.locked(connection, PLACE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert states.find(PLACE) is None


def test_another_organisation_sees_and_changes_nothing(engine: Engine) -> None:
    add_one(engine)
    other = TwinStates(engine, OTHER)
    assert other.find(PLACE) is None
    with writing(engine) as connection:
        assert other.locked(connection, PLACE).version == 0
        other.put(connection, PLACE, TwinState(1, b"theirs", 1))
    assert TwinStates(engine, ACME).find(PLACE) == TwinState(1, b"1", 1)


def test_what_was_long_not_changed_goes(engine: Engine) -> None:
    add_one(engine, at_ns=5)
    add_one(engine, TwinPlace("stock", "newer"), at_ns=9)
    assert prune_kind(engine, "workflow_twins", 9) == 1
    assert TwinStates(engine, ACME).find(PLACE) is None


def test_who_is_erased_is_mirrored_no_more_by_runs_begun_before(
    engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    states, mine = TwinStates(engine, ACME), TwinPlace("customer", "u")
    before = ids.new()
    add_one(engine, mine)
    add_one(engine)
    clock.advance(1.0)
    ErasureStore(engine, clock, ids, ACME).begin(Subject(user="u"), "ann")
    assert ContentEraser(engine, ACME).twins(Meant(set(), "u")) == 1
    assert states.find(mine) is None
    assert states.find(PLACE) is not None
    clock.advance(1.0)
    with writing(engine) as connection:
        assert not states.may_keep(connection, mine, before)
        assert states.may_keep(connection, mine, ids.new())
        assert states.may_keep(connection, PLACE, before)
