from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, select

from legato.core.clock import ManualClock
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.core.records import EntryKind
from legato.core.tenant import EVERY_TENANT
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.limits.leases import LeaseStore
from legato.storage.tables import schema

from .journal_records import (
    AT_NS,
    BUDGET,
    encoded,
    intent,
    progress,
    served,
    settled,
    voided,
)
from .leasing import take_budget

Rows = Callable[..., list[dict[str, Any]]]
WRITER = "boot-0"
SEGMENT = f"{WRITER}/000001.seg"
DAY_NS = 86_400_000_000_000


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock) -> Ledger:
    return Ledger(engine, clock)


@pytest.fixture
def rows(engine: Engine) -> Rows:
    def read(table: str = "ledger_entry") -> list[dict[str, Any]]:
        wanted = schema.metadata.tables[table]
        with engine.connect() as connection:
            found = connection.execute(select(wanted).order_by(*wanted.primary_key.columns))
            return [dict(row) for row in found.mappings()]

    return read


def test_a_settled_attempt_becomes_one_entry_with_everything(
    ledger: Ledger, rows: Rows, engine: Engine
) -> None:
    ledger.commit(SEGMENT, 300, encoded(intent("r1"), settled("r1", budget=BUDGET), served("r1")))
    (entry,) = rows()
    assert entry["request_id"] == "r1"
    assert (entry["end_user"], entry["tags"]) == ("u-1", '{"env":"prod"}')
    assert (entry["cost"], entry["baseline_cost"], entry["period"]) == (500, 1500, "2023-11")
    assert [entry[name] for name in schema.USAGE_CLASSES] == [100, 10, 1, 2, 40, 5, 0, 0, 3, 4, 0]
    assert (entry["kind"], entry["seq"], entry["provisional"]) == ("usage", 0, False)
    assert (entry["status"], entry["http_status"], entry["gateway_us"]) == ("ok", 200, 50)
    assert (entry["budget_id"], entry["budget_at_ns"]) == (BUDGET, AT_NS)
    assert (entry["reverses_entry"], entry["original_at_ns"]) == (None, None)
    trace = EntryReader(engine, EVERY_TENANT).trace("r1")
    assert trace is not None
    assert trace["stages"] == [("authenticate", 3), ("call", 900)]
    assert trace["usage"] == [100, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0]
    assert (trace["sampled"], trace["stream"], trace["cost"]) == (False, True, 500)
    assert ledger.offsets() == {SEGMENT: 300}
    assert rows("open_intent") == []


def test_an_offset_committed_before_is_passed_over(ledger: Ledger, rows: Rows) -> None:
    ledger.commit(SEGMENT, 300, encoded(settled("r1")))
    ledger.commit(SEGMENT, 300, encoded(settled("r2")))
    assert [row["request_id"] for row in rows()] == ["r1"]
    ledger.forget_segment(SEGMENT)
    ledger.forget_segment(SEGMENT)
    assert ledger.offsets() == {}


def test_an_unpriced_attempt_keeps_no_cost(ledger: Ledger, rows: Rows) -> None:
    ledger.commit(SEGMENT, 1, encoded(settled("r1", cost=None, budget=BUDGET)))
    assert rows()[0]["cost"] is None


def test_an_intent_stays_open_until_its_outcome(ledger: Ledger, rows: Rows) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1"), intent("r1", 1), progress("r1")))
    assert len(rows("open_intent")) == 2
    assert len(rows("open_progress")) == 1
    ledger.commit(SEGMENT, 2, encoded(settled("r1", kind=EntryKind.RETRY)))
    assert [row["attempt"] for row in rows("open_intent")] == [1]
    assert rows("open_progress") == []


def test_a_replayed_intent_is_not_opened_again(ledger: Ledger, rows: Rows) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1"), intent("r2"), progress("r2")))
    ledger.commit(SEGMENT, 2, encoded(settled("r1"), voided("r2")))
    ledger.forget_segment(SEGMENT)
    ledger.commit(SEGMENT, 1, encoded(intent("r1"), intent("r2"), progress("r2")))
    assert rows("open_intent") == []
    assert rows("open_progress") == []
    ledger.writer_finished(WRITER)
    assert [row["request_id"] for row in rows()] == ["r1"]


def test_a_dead_writers_attempts_are_closed_at_their_best_estimate(
    ledger: Ledger, rows: Rows
) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1"), intent("r2"), progress("r2")))
    ledger.commit("other-0/1", 1, encoded(intent("r3")))
    ledger.commit(SEGMENT, 2, encoded(progress("r2", cost=400, out=30)))
    for _ in range(2):
        ledger.writer_finished(WRITER)
    found = {row["request_id"]: row for row in rows()}
    assert set(found) == {"r1", "r2"}
    assert (found["r1"]["cost"], found["r1"]["out_text"]) == (900, 80)
    assert (found["r2"]["cost"], found["r2"]["out_text"]) == (400, 30)
    for row in found.values():
        assert (row["usage_source"], row["status"], row["provisional"]) == (
            "unknown", "unknown", True,
        )  # fmt: skip
    assert [row["request_id"] for row in rows("open_intent")] == ["r3"]


def test_a_dead_writers_judge_stays_a_judge(ledger: Ledger, rows: Rows) -> None:
    asked = msgspec.structs.replace(intent("r1"), kind=EntryKind.JUDGE)
    ledger.commit(SEGMENT, 1, encoded(asked))
    ledger.writer_finished(WRITER)
    assert [row["kind"] for row in rows()] == ["judge"]


def test_progress_that_comes_back_earlier_does_not_lower_the_estimate(
    ledger: Ledger, rows: Rows
) -> None:
    ledger.commit(SEGMENT, 1, encoded(progress("r1", cost=400, out=30), intent("r1")))
    ledger.commit("boot-0/0", 1, encoded(progress("r1", cost=300, out=20)))
    ledger.writer_finished(WRITER)
    assert rows()[0]["cost"] == 400


def test_a_late_outcome_reverses_and_replaces(ledger: Ledger, rows: Rows) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1")))
    ledger.writer_finished(WRITER)
    late = encoded(settled("r1", kind=EntryKind.RETRY))
    for segment in ("boot-0/2", "boot-0/3"):
        ledger.commit(segment, 1, late)
    unknown, reversal, true = rows()
    assert unknown["provisional"]
    assert (reversal["kind"], reversal["reverses_entry"]) == ("correction", unknown["id"])
    for name in (*schema.USAGE_CLASSES, "cost", "baseline_cost"):
        assert reversal[name] == -unknown[name]
    assert (true["kind"], true["seq"], true["cost"]) == ("retry", 1, 500)
    assert reversal["original_at_ns"] == unknown["at_ns"]
    ledger.commit("boot-0/4", 1, encoded(intent("r1")))
    ledger.writer_finished(WRITER)
    assert len(rows()) == 3


def test_a_late_void_only_reverses(ledger: Ledger, rows: Rows) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1")))
    ledger.writer_finished(WRITER)
    for offset in (2, 3):
        ledger.commit(SEGMENT, offset, encoded(voided("r1")))
    assert [row["cost"] for row in rows()] == [900, -900]


def test_a_late_outcome_posts_to_the_open_period(
    ledger: Ledger, rows: Rows, clock: ManualClock
) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1")))
    ledger.writer_finished(WRITER)
    clock.advance(30 * 86_400)
    ledger.commit(SEGMENT, 2, encoded(settled("r1")))
    assert [row["period"] for row in rows()] == ["2023-11", "2023-12", "2023-12"]
    assert [row["at_ns"] for row in rows()[1:]] == [clock.now_ns()] * 2
    assert [row["original_at_ns"] for row in rows()[1:]] == [AT_NS, AT_NS]


def test_what_cannot_be_read_is_kept_and_costs_the_rest_nothing(ledger: Ledger, rows: Rows) -> None:
    garbage = b"\xc1 not msgpack"
    payloads = [*encoded(settled("r1")), garbage, *encoded(settled("r2"))]
    ledger.commit(SEGMENT, 10, payloads)
    ledger.forget_segment(SEGMENT)
    ledger.commit(SEGMENT, 10, payloads)
    assert [row["request_id"] for row in rows()] == ["r1", "r2"]
    (alarm,) = rows("journal_alarm")
    assert (alarm["segment"], alarm["segment_offset"], alarm["payload"]) == (SEGMENT, 10, garbage)


def test_what_cannot_be_stored_is_kept_and_costs_the_rest_nothing(
    ledger: Ledger, rows: Rows
) -> None:
    too_large = settled("r1", cost=2**63)
    odd = settled("r2", model_requested="a\x00b")
    ledger.commit(SEGMENT, 10, encoded(served("r0"), too_large, odd, settled("r3")))
    assert [row["request_id"] for row in rows()] == ["r2", "r3"]
    assert rows()[0]["model_requested"] in {"a\x00b", "a\ufffdb"}
    assert len(rows("journal_alarm")) == 1
    assert len(rows("trace_block")) == 1
    assert ledger.offsets() == {SEGMENT: 10}


def test_many_entries_are_kept_in_their_order_whatever_they_say(ledger: Ledger, rows: Rows) -> None:
    odd = {"tags": {"a": 'back\\slash, "quote"\ttab'}, "model_requested": "line\nbreak \\N é"}
    many = [settled(f"r{n:02}", cost=n * 10 or None, **odd) for n in range(30)]
    stepped = settled("r30", cost=400, steps=(0, 100, 1000, 0, 0, 0))
    ledger.commit(SEGMENT, 10, encoded(*many, stepped))
    found = rows()
    assert [row["request_id"] for row in found] == [f"r{n:02}" for n in range(31)]
    assert [row["id"] for row in found] == sorted(row["id"] for row in found)
    assert [row["cost"] for row in found] == [None, *(n * 10 for n in range(1, 30)), 400]
    assert {row["model_requested"] for row in found[:30]} == {odd["model_requested"]}
    assert not any(row["provisional"] for row in found)
    assert {(row["original_at_ns"], row["reverses_entry"]) for row in found} == {(None, None)}
    assert (found[30]["step_shortening"], found[30]["step_routing"]) == (100, 1000)


def test_one_of_many_that_cannot_be_stored_costs_the_others_nothing(
    ledger: Ledger, rows: Rows
) -> None:
    many = [settled(f"r{n:02}") for n in range(20)]
    many[7] = settled("r07", cost=2**63)
    many[9] = settled("r09", model_requested="a\x00b")
    ledger.commit(SEGMENT, 10, encoded(*many))
    assert [row["request_id"] for row in rows()] == [f"r{n:02}" for n in range(20) if n != 7]
    assert len(rows("journal_alarm")) == 1


def test_an_open_attempt_that_cannot_be_stored_does_not_hold_up_the_others(
    ledger: Ledger, rows: Rows
) -> None:
    ledger.commit(SEGMENT, 1, encoded(intent("r1", cost=2**63), intent("r2")))
    ledger.writer_finished(WRITER)
    assert [row["request_id"] for row in rows()] == ["r2"]
    assert len(rows("journal_alarm")) == 1
    assert rows("open_intent") == []


@pytest.fixture
def leases(engine: Engine, clock: ManualClock) -> LeaseStore:
    return LeaseStore(engine, clock)


DAILY = BudgetLimit(BUDGET, NanoUSD(10_000), Window.DAY)


def levels(rows: Rows) -> tuple[int, int]:
    last = rows("limit_window")[-1]
    return last["settled"], last["leased"]


def test_spending_moves_from_the_lease_to_settled(
    ledger: Ledger, leases: LeaseStore, rows: Rows
) -> None:
    take_budget(leases, DAILY, holder=WRITER, want=2_000, at_least=1)
    ledger.commit(SEGMENT, 1, encoded(settled("r1", budget=BUDGET), settled("r2", cost=None)))
    assert levels(rows) == (500, 1_500)
    ledger.forget_segment(SEGMENT)
    ledger.commit(SEGMENT, 1, encoded(settled("r1", budget=BUDGET)))
    assert levels(rows) == (500, 1_500)
    ledger.commit(SEGMENT, 2, encoded(settled("r3", cost=5_000, budget=BUDGET)))
    assert levels(rows) == (5_500, 0), "a settle beyond the lease is not refused"


def test_a_dead_writers_lease_goes_back_with_its_estimates_settled(
    ledger: Ledger, leases: LeaseStore, rows: Rows
) -> None:
    take_budget(leases, DAILY, holder=WRITER, want=2_000, at_least=1)
    take_budget(leases, DAILY, holder="other", want=100, at_least=1)
    ledger.commit(SEGMENT, 1, encoded(intent("r1", budget=BUDGET)))
    ledger.writer_finished(WRITER)
    assert levels(rows) == (900, 100)
    ledger.commit(SEGMENT, 2, encoded(settled("r1", budget=BUDGET)))
    assert levels(rows) == (500, 100)


def test_the_hold_decides_the_window(
    ledger: Ledger, leases: LeaseStore, rows: Rows, clock: ManualClock
) -> None:
    take_budget(leases, DAILY, holder=WRITER, want=2_000, at_least=1)
    clock.advance(86_400)
    take_budget(leases, DAILY, holder=WRITER, want=2_000, at_least=1)
    after_midnight = settled("r1", budget=BUDGET, at_ns=AT_NS + DAY_NS, held_at_ns=AT_NS)
    ledger.commit(SEGMENT, 1, encoded(after_midnight))
    old, new = rows("limit_window")
    assert (old["settled"], old["leased"]) == (500, 1_500)
    assert (new["settled"], new["leased"]) == (0, 2_000)


def test_a_correction_of_a_closed_window_counts_in_the_open_one(
    ledger: Ledger, leases: LeaseStore, rows: Rows, clock: ManualClock
) -> None:
    take_budget(leases, DAILY, holder=WRITER, want=2_000, at_least=1)
    ledger.commit(SEGMENT, 1, encoded(intent("r1", budget=BUDGET)))
    ledger.writer_finished(WRITER)
    clock.advance(86_400)
    take_budget(leases, DAILY, holder="other", want=1, at_least=1)
    ledger.commit(SEGMENT, 2, encoded(settled("r1", cost=1_000, budget=BUDGET)))
    old, new = rows("limit_window")
    assert (old["settled"], new["settled"]) == (900, 100)


def test_a_budget_made_later_counts_what_was_spent_before(
    ledger: Ledger, leases: LeaseStore, rows: Rows
) -> None:
    ledger.commit(SEGMENT, 1, encoded(settled("r1", budget=BUDGET), settled("r2", budget=BUDGET)))
    grant = take_budget(leases, DAILY, holder=WRITER, want=10_000, at_least=1)
    assert (grant.granted, grant.settled) == (9_000, 1_000)
