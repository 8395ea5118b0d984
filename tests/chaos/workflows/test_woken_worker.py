"""A worker that slept past its being taken for dead wakes: whatever it writes is refused."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from .workers import START_S, within

if TYPE_CHECKING:
    from .workers import Working

pytestmark = [pytest.mark.soak, pytest.mark.chaos, pytest.mark.timeout(300)]
RUNS = 8
OUTSIDE_S = 5.0
TABLES = ("workflow_run", "workflow_step", "workflow_wait", "effect")
LOST = "a run was taken over"
REFUSED_S = 30.0


def test_what_a_woken_worker_writes_is_refused(working: Working) -> None:
    sleeper = working.begin_worker(work_s=OUTSIDE_S)
    for _ in range(RUNS):
        working.start_run()
    assert within(START_S, lambda: len(working.outside()) >= RUNS), "all are in a step outside"
    working.stop(sleeper)
    cut = working.outside()
    working.begin_worker()
    working.wait_until_all_are_done(120)
    repeated = working.check_nothing_is_lost_or_twice()
    assert repeated == RUNS, "what was cut is done again, under the same key"
    assert all(working.outside()[key] == 2 for key in cut)
    before = {table: working.rows(table) for table in TABLES}
    sleeper.send(signal.SIGCONT)
    assert within(REFUSED_S, lambda: LOST in sleeper.log.read_text()), "it learns that it lost"
    assert not within(2.0, lambda: {table: working.rows(table) for table in TABLES} != before)
    working.start_run()
    working.wait_until_all_are_done(60)
    working.check_nothing_is_lost_or_twice()
