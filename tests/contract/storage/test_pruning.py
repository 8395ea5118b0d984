"""What has had its time goes, a few rows a write, of one organisation or of all."""

import pytest
from sqlalchemy import Engine, func, insert, select

from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.storage.database.engine import reading, writing
from legato.storage.privacy import pruning
from legato.storage.privacy.keeping import RULES
from legato.storage.tables.budgets import budget_event
from legato.storage.tables.finance import benefit_entry
from legato.storage.tables.objectives import objective_count
from legato.storage.tables.schema import stored_file, stored_file_part


def events(engine: Engine, org: str, many: int, at_ns: int) -> None:
    rows = [
        {"org": org, "budget_id": "b", "limit_id": f"{org}{at_ns}/{n}", "window_start_ns": 0,
         "what": "warn", "at_percent": 80, "at_ns": at_ns, "used": 1, "amount": 2, "name": "n"}
        for n in range(many)
    ]  # fmt: skip
    with writing(engine) as connection:
        connection.execute(insert(budget_event), rows)


def count(engine: Engine, org: str) -> int:
    wanted = select(func.count()).select_from(budget_event).where(budget_event.c.org == org)
    with reading(engine) as connection:
        return int(connection.execute(wanted).scalar_one())


def test_an_organisation_forgets_sooner_than_others(engine: Engine) -> None:
    events(engine, "acme", 3, 10)
    events(engine, "acme", 2, 30)
    events(engine, "other", 4, 10)
    (keeping,) = RULES["budget_events"]
    assert pruning.due(engine, keeping, 20, "acme") == pruning.Due(10, 3)
    assert pruning.due(engine, keeping, None, None) == pruning.Due(10, 0)
    assert pruning.prune_kind(engine, "budget_events", 20, "acme") == 3
    assert (count(engine, "acme"), count(engine, "other")) == (2, 4)
    assert pruning.prune_kind(engine, "budget_events", 40) == 6
    assert pruning.due(engine, keeping, 40, None) == pruning.Due(None, 0)


def test_a_pass_is_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "ROWS_PER_WRITE", 2)
    monkeypatch.setattr(pruning, "WRITES_PER_PASS", 3)
    events(engine, "acme", 9, 10)
    assert [pruning.prune_kind(engine, "budget_events", 20) for _ in range(3)] == [6, 3, 0]


def test_parts_go_with_their_row(engine: Engine, clock: ManualClock, ids: IdSource) -> None:
    with writing(engine) as connection:
        for at_ns in (10, 30):
            file_id = ids.new()
            connection.execute(
                insert(stored_file),
                {"org": "acme", "id": file_id, "purpose": "batch", "size": 1, "parts": 2,
                 "created_at_ns": at_ns, "sealed_name": b"n"},
            )  # fmt: skip
            parts = [
                {"org": "acme", "file_id": file_id, "number": n, "sealed": b"s"} for n in (0, 1)
            ]
            connection.execute(insert(stored_file_part), parts)
    assert clock.now_ns()
    assert pruning.prune_kind(engine, "files", 20) == 1
    with reading(engine) as connection:
        left = select(func.count()).select_from(stored_file_part)
        assert connection.execute(left).scalar_one() == 2


def test_days_of_objectives_and_months_of_finance_go_by_organisation(
    engine: Engine, ids: IdSource
) -> None:
    day_ns = 86_400 * 10**9
    september_2026_ns = 1_788_220_800 * 10**9
    before_ns = september_2026_ns + 3 * day_ns
    today = before_ns // day_ns
    with writing(engine) as connection:
        for org in ("acme", "other"):
            for minutes, bucket in ((1_440, today - 1), (1_440, today), (1, 0)):
                row = {"org": org, "name": "o", "version": 1, "minutes": minutes, "total": 1}
                connection.execute(insert(objective_count), row | {"bucket": bucket, "bad": 0})
            for period in ("2026-08", "2026-09"):
                row = dict.fromkeys(
                    ("team", "feature", "source", "author", "benefit", "tag"), ""
                ) | {"id": ids.new(), "org": org, "period": period, "external_id": period}
                figures = {"usd": 1, "at_ns": 1, "quantity_milli": 1, "usd_each": 1}
                connection.execute(insert(benefit_entry), row | figures)
    days, _ = RULES["objectives"]
    _, _, benefits = RULES["finance"]
    assert pruning.due(engine, days, before_ns, "acme") == pruning.Due((today - 1) * day_ns, 1)
    august_2026_ns = september_2026_ns - 31 * day_ns
    assert pruning.due(engine, benefits, before_ns, None) == pruning.Due(august_2026_ns, 2)
    assert pruning.due(engine, benefits, september_2026_ns - 1, None).rows_due == 0
    for kind in ("objectives", "finance"):
        assert pruning.prune_kind(engine, kind, before_ns, "acme") == 1, kind
        assert pruning.prune_kind(engine, kind, before_ns, "acme") == 0, kind
        assert pruning.prune_kind(engine, kind, before_ns, "other") == 1, kind
    with reading(engine) as connection:
        left = connection.execute(select(objective_count.c.minutes, objective_count.c.bucket))
        assert sorted(map(tuple, left)) == [(1, 0)] * 2 + [(1_440, today)] * 2
        periods = connection.execute(select(benefit_entry.c.period)).scalars().all()
    assert periods == ["2026-09"] * 2
