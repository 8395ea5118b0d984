"""Imported usage on both databases: once, whole, and of one organisation."""

import msgspec
import pytest
from sqlalchemy import Engine, func, insert, select

from legato.core.clock import ManualClock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.imported_usage import ImportedUsage, UsageImport
from legato.core.tenant import EVERY_TENANT, Reach, Tenant
from legato.core.usage import Usage
from legato.storage.imports.usage_imports import UsageImports, prune_usage_imports
from legato.storage.tables.imports import imported_usage
from legato.storage.tables.schema import organisation

DAY_NS = 86_400 * 10**9
FILE = UsageImport(
    org="acme", source="openai", name="june.csv", digest="d1", start_ns=0, end_ns=DAY_NS,
    lines=3, skipped=1, bad=0, rows=2, calls=0,
)  # fmt: skip
ROWS = [
    ImportedUsage(
        source="openai", vendor="openai", model=model, start_ns=0, end_ns=DAY_NS, lines=2,
        costed=2, cost=5, list_cost=9, quantity="1.5", usage=Usage(in_uncached=7, image_out=2),
        tags='{"team":"a"}',
    )
    for model in ("a", "b")
]  # fmt: skip


@pytest.fixture(autouse=True)
def organisations(engine: Engine) -> None:
    with engine.begin() as connection:
        for name in ("acme", "other"):
            row = {"id": name, "name": name, "title": "", "version": 1, "created_at_ns": 1}
            connection.execute(insert(organisation), row)


def store(engine: Engine, clock: ManualClock, reach: Reach = EVERY_TENANT) -> UsageImports:
    return UsageImports(engine, clock, IdSource(clock), reach)


def test_what_goes_in_comes_out(engine: Engine, clock: ManualClock) -> None:
    imports = store(engine, clock)
    made = imports.add(FILE, ROWS)
    assert imports.get(made.id) == made
    assert imports.known("acme", "d1") == made
    assert list(imports.usage("acme")) == ROWS
    assert list(imports.usage("acme", since_ns=DAY_NS)) == []
    assert imports.page(5) == imports.every("acme") == [made]
    assert imports.every("other") == []


def test_the_same_content_comes_in_once(engine: Engine, clock: ManualClock) -> None:
    imports = store(engine, clock)
    imports.add(FILE, ROWS)
    with pytest.raises(Conflict, match="imported already"):
        imports.add(FILE, [], overlap="add")


def test_days_that_are_there_are_refused_skipped_or_added(
    engine: Engine, clock: ManualClock
) -> None:
    imports = store(engine, clock)
    first = imports.add(FILE, ROWS[:1])
    again = msgspec.structs.replace(FILE, digest="d2")
    with pytest.raises(
        Conflict, match=rf"1 of its sums are there already: 1 in june.csv \({first.id}\)"
    ):
        imports.add(again, ROWS)
    assert len(list(imports.usage("acme"))) == 1  # nothing of what was refused
    assert imports.add(again, ROWS, overlap="skip").rows == 1
    assert len(list(imports.usage("acme"))) == 2
    third = msgspec.structs.replace(FILE, digest="d3")
    assert imports.add(third, ROWS, overlap="add").rows == 2
    with pytest.raises(InvalidRequest, match="overlap"):
        imports.add(third, ROWS, overlap="maybe")


def test_forgetting_and_age_take_the_sums_along(engine: Engine, clock: ManualClock) -> None:
    imports = store(engine, clock)
    old = imports.add(FILE, ROWS)
    clock.advance(10 * 86_400)
    young = imports.add(msgspec.structs.replace(FILE, digest="d2"), ROWS, overlap="add")
    assert prune_usage_imports(engine, clock.now_ns() - DAY_NS) == 1
    assert imports.every() == [young]
    with pytest.raises(NotFound):
        imports.get(old.id)
    imports.forget(young.id)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(imported_usage)).scalar() == 0


def test_another_tenants_imports_are_not_there(engine: Engine, clock: ManualClock) -> None:
    made = store(engine, clock).add(FILE, ROWS)
    foreign = store(engine, clock, Tenant("other"))
    assert foreign.every() == foreign.page(5) == []
    assert foreign.known("acme", "d1") is None
    assert list(foreign.usage("acme")) == []
    for act in (foreign.get, foreign.forget):
        with pytest.raises(NotFound):
            act(made.id)
    with pytest.raises(NotFound, match="no organisation"):
        foreign.add(FILE, ROWS)
    with pytest.raises(NotFound, match="no organisation 'nobody'"):
        store(engine, clock).add(msgspec.structs.replace(FILE, org="nobody"), ROWS)


def test_many_sums_are_read_in_parts(engine: Engine, clock: ManualClock) -> None:
    rows = [msgspec.structs.replace(ROWS[0], model=str(number)) for number in range(5_001)]
    imports = store(engine, clock)
    imports.add(FILE, rows)
    assert len({row.model for row in imports.usage("acme")}) == 5_001
