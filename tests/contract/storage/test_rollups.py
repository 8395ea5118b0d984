"""Sums by hour and day are those of the entries, at every moment and whatever comes when."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, text

from legato.core.clock import ManualClock
from legato.core.errors import InvalidRequest
from legato.core.records import EntryKind
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant
from legato.economics.waterfall import STEP_COLUMNS
from legato.storage.ledger.entries import EntryFilter, EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.sums import SpendSums
from legato.storage.ledger.verify import verify
from legato.storage.rollups.reading import DAY_NS, Span, SpendQuery, SpendReader
from legato.storage.rollups.rolling import (
    BY_NAME,
    HOURS_KEPT_DAYS,
    SPEND,
    USERS,
    USERS_KEPT_DAYS,
    Roller,
)

from .journal_records import AT_NS, encoded, intent, settled, voided

DAY = AT_NS // DAY_NS
HOUR_NS = DAY_NS // 24
WEEK = Span(DAY - 3, DAY + 4)
MONEY = ("requests", "attempts", "unpriced", "provisional", "cost", "baseline_cost")


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock)


def expected(engine: Engine, by: tuple[str, ...], wanted: EntryFilter) -> dict[Any, dict[str, int]]:
    found = SpendSums(engine, EVERY_TENANT).sum_by(by, wanted)
    return {
        one.group: {name: getattr(one, name) for name in MONEY}
        | dict(zip(STEP_COLUMNS, one.steps.values(), strict=True))
        | one.tokens
        for one in found
    }


def read(engine: Engine, by: tuple[str, ...], span: Span = WEEK) -> dict[Any, dict[str, int]]:
    measures = (*MONEY, *STEP_COLUMNS, "in_uncached", "cache_read", "cache_write_5m",
                "cache_write_1h", "out_text", "reasoning", "audio_in", "audio_out", "image_in",
                "image_out", "units")  # fmt: skip
    query = SpendQuery(span, measures, by)
    return {row.group: row.sums for row in SpendReader(engine, EVERY_TENANT).read(query)}


def of_runs(engine: Engine) -> dict[Any, int]:
    """What runs and workflows cost; and how many runs there are, under no name."""
    reader = SpendReader(engine, EVERY_TENANT)
    found: dict[Any, int] = {}
    for by in (("org", "run"), ("workflow",)):
        rows = reader.read(SpendQuery(WEEK, ("cost",), by))
        found |= {row.group: row.sums["cost"] for row in rows}
    return found | reader.count_distinct(SpendQuery(WEEK, ()), "run")


def expected_of_runs(engine: Engine) -> dict[Any, int]:
    found: Counter[Any] = Counter()
    entries = list(EntryReader(engine, EVERY_TENANT).export_rows())
    for row in entries:
        if run := row["tags"].get("run"):
            found[row["org"], run] += row["cost"] or 0
            found[row["tags"].get("workflow", ""),] += row["cost"] or 0
    return {**found, (): len({row["tags"]["run"] for row in entries if "run" in row["tags"]})}


def traffic(random: Random, number: int) -> Iterator[Any]:
    """One request: perhaps a retry before its answer, perhaps lost, perhaps out of order."""
    at_ns = AT_NS + random.randrange(-2 * DAY_NS, 2 * DAY_NS)
    where = {
        "team": random.choice(("search", "support")),
        "deployment": random.choice(("small", "large")),
        "user": random.choice(("", "u-1", "u-2")),
        "org": random.choice(("acme", "globex")),
        "tags": random.choice(
            ({}, {"env": '"run":"x'}, {"run": "r1", "workflow": "w'1"}, {"run": "r2", "node": "n"})
        ),
    }
    name = f"{number:05}"
    attempts = [
        settled(name, 1, kind=EntryKind.RETRY, at_ns=at_ns, **where),
        settled(name, 2, cost=random.choice((None, 0, 77, 1500)), at_ns=at_ns + 5, **where),
    ]
    match random.randrange(5):
        case 0:
            yield from reversed(attempts)
        case 1:
            yield settled(name, 0, kind=EntryKind.CACHE, cost=0, at_ns=at_ns, **where)
        case 2:
            yield intent(name, 3, at_ns=at_ns)
        case _:
            yield attempts[1]


def test_reads_are_the_sums_of_all_entries_however_far_the_rollup_is(
    ledger: Ledger, engine: Engine, clock: ManualClock
) -> None:
    random, roller = Random(3), Roller(engine, at_once=37)
    lost: list[str] = []
    for number in range(120):
        records = list(traffic(random, number))
        lost += [one.facts.request_id for one in records if not hasattr(one, "usage")]
        ledger.commit(f"w-{number}/1", 1, encoded(*records))
        ledger.writer_finished(f"w-{number}")
        if random.random() < 0.3:
            roller.roll(random.choice(tuple(BY_NAME)))
        if lost and random.random() < 0.3:  # it is known after all, or never was
            name = lost.pop()
            end = random.choice((settled(name, 3, at_ns=AT_NS), voided(name, 3)))
            ledger.commit(f"late-{number}/1", 1, encoded(end))
        if number % 40 == 39:
            everything = EntryFilter()
            for by in ((), ("org", "team"), ("deployment", "kind"), ("key",)):
                # a request counts once, where its first entry stands
                found, wanted = read(engine, by), expected(engine, by, everything)
                if "deployment" in by:
                    for sums in (*found.values(), *wanted.values()):
                        del sums["requests"]
                assert found == wanted
            assert of_runs(engine) == expected_of_runs(engine)
            assert verify(engine).ok
    for name in BY_NAME:
        roller.catch_up(name)
        assert roller.behind(name) == 0
    assert of_runs(engine) == expected_of_runs(engine)
    assert read(engine, ("org", "team")) == expected(engine, ("org", "team"), EntryFilter())
    with_users = [EntryFilter(end_user=name) for name in ("u-1", "u-2")]
    query = SpendQuery(WEEK, MONEY, ("user",))
    for row, wanted in zip(
        SpendReader(engine, EVERY_TENANT).read(query), with_users, strict=True
    ):  # fmt: skip
        total = SpendSums(engine, EVERY_TENANT).total(wanted)
        assert row.sums == {name: getattr(total, name) for name in MONEY}
    assert verify(engine).ok
    roller.empty(SPEND)
    assert read(engine, ("org", "team")) == expected(engine, ("org", "team"), EntryFilter())
    roller.catch_up(SPEND)
    assert verify(engine).ok


def test_hours_are_kept_for_a_while_and_days_for_ever(ledger: Ledger, engine: Engine) -> None:
    roller = Roller(engine)
    old_ns = AT_NS - (USERS_KEPT_DAYS + 1) * DAY_NS
    for number, at_ns in enumerate((old_ns, AT_NS, AT_NS + HOUR_NS)):
        ledger.commit(f"w-{number}/1", 1, encoded(settled(f"r{number}", at_ns=at_ns)))
    hours = Span(AT_NS // HOUR_NS, AT_NS // HOUR_NS + 2, by_hour=True)
    days = Span(old_ns // DAY_NS, DAY + 1)
    for _ in range(2):
        assert [one["cost"] for one in read(engine, ("bucket",), hours).values()] == [500, 500]
        assert [one["cost"] for one in read(engine, ("bucket",), days).values()] == [500, 1000]
        roller.catch_up(SPEND)
        roller.catch_up(USERS)
    assert roller.forget(SPEND, AT_NS + (HOURS_KEPT_DAYS - 1) * DAY_NS) == 1
    assert roller.forget(USERS, AT_NS) == 1
    late_ns = old_ns + HOUR_NS
    ledger.commit("w-9/1", 1, encoded(settled("r9", at_ns=late_ns)))
    roller.catch_up(SPEND)
    roller.catch_up(USERS)
    assert [one["cost"] for one in read(engine, ("bucket",), days).values()] == [1000, 1000]
    assert verify(engine).ok


def test_a_tenant_reads_its_own_and_a_team_what_is_its_own(ledger: Ledger, engine: Engine) -> None:
    records = [
        settled(f"r{number}", org=org, team=team)
        for number, (org, team) in enumerate((("acme", "a"), ("acme", "b"), ("globex", "a")))
    ]
    ledger.commit("w-0/1", 1, encoded(*records))
    query = SpendQuery(WEEK, ("cost", "attempts"), ("org", "team"))
    for _ in range(2):
        for reach, count in (
            (Tenant("acme"), 2),
            (Tenant("nobody"), 0),
            (Areas((Area("acme", "a"),)), 1),
            (EVERY_TENANT, 3),
        ):
            assert len(SpendReader(engine, reach).read(query)) == count
        Roller(engine).catch_up(SPEND)
    assert SpendReader(engine, Tenant("nobody")).total(query) == {"cost": 0, "attempts": 0}


def test_what_is_not_kept_is_refused_by_name(engine: Engine) -> None:
    reader = SpendReader(engine, EVERY_TENANT)
    with pytest.raises(InvalidRequest, match="'colour' is none of"):
        reader.read(SpendQuery(WEEK, ("cost",), ("colour",)))
    with pytest.raises(InvalidRequest, match="by day alone"):
        reader.read(SpendQuery(Span(1, 2, by_hour=True), ("cost",), ("user",)))
    with pytest.raises(InvalidRequest, match="'joy' isn't kept"):
        reader.read(SpendQuery(WEEK, ("joy",)))


def test_users_of_a_period_are_counted_wherever_it_ends(ledger: Ledger, engine: Engine) -> None:
    reader = SpendReader(engine, Tenant("acme"))

    def users(first: int, end: int, **where: str) -> int:
        narrowed = {name: (value,) for name, value in where.items()}
        query = SpendQuery(Span(DAY + first, DAY + end), (), where=narrowed)
        return reader.count_distinct(query, "user").get((), 0)

    def told() -> list[int]:
        return [
            users(0, 4),
            users(2, 4),
            users(0, 2),
            users(0, 1),
            users(0, 4, team="x"),
            users(4, 9),
        ]

    spent = [("a", 0), ("a", 3), ("b", 0), ("b", 1), ("c", 2), ("d", 3)]
    for number, (user, day) in enumerate(spent):
        team = "x" if number % 2 else "y"
        record = settled(f"r{number}", user=user, at_ns=AT_NS + day * DAY_NS, team=team)
        ledger.commit(f"w-{number}/1", 1, encoded(record))
    ledger.commit("w-9/1", 1, encoded(settled("r9", user="e", org="globex", at_ns=AT_NS)))
    expected = [4, 3, 2, 2, 3, 0]
    assert told() == expected
    Roller(engine, at_once=4).roll(USERS)
    assert told() == expected
    Roller(engine).catch_up(USERS)
    assert told() == expected
    with engine.begin() as connection:  # as a version that doesn't know of last days leaves it
        connection.execute(text("DELETE FROM rollup_mark WHERE name = 'user_last_day'"))
        connection.execute(text("DELETE FROM user_last_day"))
    assert told() == expected
    late = settled("r10", user="f", at_ns=AT_NS + 5 * DAY_NS)
    ledger.commit("w-10/1", 1, encoded(late))
    expected[-1] = 1
    assert told() == expected
    Roller(engine).catch_up(USERS)
    assert told() == expected
    assert verify(engine).ok
    Roller(engine).forget(USERS, AT_NS + (2 + USERS_KEPT_DAYS) * DAY_NS)
    assert (users(2, 9), verify(engine).ok) == (4, True)


def test_entries_are_found_whether_sums_have_them_or_not(ledger: Ledger, engine: Engine) -> None:
    reader = EntryReader(engine, Tenant("acme"))

    def told(**where: str) -> list[str]:
        return [row["request_id"] for row in reader.page(9, None, EntryFilter(**where))]

    ledger.commit("w-0/1", 1, encoded(settled("r1"), settled("r2", key_id="k2")))
    for _ in range(2):
        assert told() == ["r2", "r1"]
        assert told(key_id="k2") == told(key_id="k2", kind="usage") == ["r2"]
        assert told(key_id="k3") == told(key_id="k1", kind="judge") == []
        Roller(engine).catch_up(SPEND)
    late = settled("r3", key_id="k3"), settled("r4", key_id="k2"), settled("r5", org="globex")
    ledger.commit("w-1/1", 1, encoded(*late))
    assert told(key_id="k3") == ["r3"]
    assert told(key_id="k2") == ["r4", "r2"]
    assert told(team="support") == ["r4", "r3", "r2", "r1"]


@pytest.mark.parametrize("table", ["user_last_day", "run_last_day"])
def test_verifying_finds_a_last_day_that_was_changed(
    ledger: Ledger, engine: Engine, table: str
) -> None:
    ledger.commit("w-0/1", 1, encoded(settled("r1"), settled("r2", tags={"run": "x"})))
    for name in BY_NAME:
        Roller(engine).catch_up(name)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET bucket = bucket + 1"))  # noqa: S608 - ours
    (problem,) = verify(engine).problems
    assert problem.what.startswith(table)


@pytest.mark.parametrize(
    "table", ["spend_hour", "spend_day", "spend_user_day", "spend_run_day", "spend_workflow_day"]
)
def test_verifying_finds_a_rollup_that_was_changed(
    ledger: Ledger, engine: Engine, table: str
) -> None:
    ledger.commit("w-0/1", 1, encoded(settled("r1"), settled("r2", tags={"run": "x"})))
    for name in BY_NAME:
        Roller(engine).catch_up(name)
    assert verify(engine).ok
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET cost = cost + 1"))  # noqa: S608 - ours
    (problem,) = verify(engine).problems
    assert problem.what.startswith(table)
    assert problem.where == "2023-11-14"
