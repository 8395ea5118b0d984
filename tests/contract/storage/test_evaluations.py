"""Evaluations and the cases of data sets; on both databases."""

import pytest
from sqlalchemy import Engine

from legato.core.errors import NotFound
from legato.core.tenant import Tenant
from legato.storage.evaluation.datasets import DatasetBlocks, NewBlock
from legato.storage.evaluation.evaluations import (
    AnswerRecord,
    EvaluationRecord,
    EvaluationStore,
    open_evaluations,
    prune_evaluations,
)

ACME, OTHER = Tenant("acme"), Tenant("other")
ONE, TWO = "1" * 32, "2" * 32


def record(evaluation_id: str = ONE, **changed: object) -> EvaluationRecord:
    values = {
        "org": "acme",
        "id": evaluation_id,
        "key_id": "k",
        "author": "key:ci",
        "name": "suite",
        "status": "waiting",
        "sealed": b"plan",
        "answers": 3,
        "cost_max": None,
        "created_at_ns": 1,
        **changed,
    }
    return EvaluationRecord(**values)  # type: ignore[arg-type]


def answer(case: int, **changed: object) -> AnswerRecord:
    values = {
        "case_number": case,
        "subject": 0,
        "repetition": 0,
        "case_id": f"c{case}",
        "weight": 1.0,
        "request_id": f"{case:032x}",
        "error": "",
        "cost": 100,
        "scoring_cost": 7,
        "latency_us": 5,
        "scores": "[1.0]",
        "scored": True,
        "sealed": b"answer",
        "at_ns": 9,
        **changed,
    }
    return AnswerRecord(**values)  # type: ignore[arg-type]


@pytest.fixture
def store(engine: Engine) -> EvaluationStore:
    made = EvaluationStore(engine, ACME)
    made.create(record())
    return made


def test_an_answer_is_recorded_and_counted_once(store: EvaluationStore) -> None:
    store.record(ONE, answer(1))
    store.record(ONE, answer(1, cost=900, sealed=b"again"))
    store.record(ONE, answer(2, error="timeout", cost=None, scoring_cost=0, scored=False))
    kept = store.get(ONE)
    assert (kept.done, kept.failed, kept.cost) == (2, 1, 107)
    assert store.recorded(ONE, 0, 2) == {(1, 0, 0)}
    assert [one["case_number"] for one in store.answers(ONE)] == [1, 2]
    (first,) = store.answers_page(ONE, (-1, -1, -1), 1, amiss=False)
    assert first.sealed == b"answer"
    assert [one.case_number for one in store.answers_page(ONE, (-1, -1, -1), 9, amiss=True)] == [2]
    assert store.answers_page(ONE, (2, 0, 0), 9, amiss=False) == []


def test_it_changes_only_from_a_state_that_is_named(store: EvaluationStore) -> None:
    assert store.change(ONE, ("waiting",), status="running")
    assert not store.change(ONE, ("waiting",), status="cancelled")
    assert store.get(ONE).status == "running"


def test_open_ones_are_found_for_all_organisations(engine: Engine, store: EvaluationStore) -> None:
    EvaluationStore(engine, OTHER).create(record(TWO, org="other", round=2))
    assert {(ONE, 1), (TWO, 2)} <= {one[1:] for one in open_evaluations(engine)}
    store.change(ONE, ("waiting",), status="done", ended_at_ns=5)
    assert ONE not in {one[1] for one in open_evaluations(engine)}


def test_what_is_of_others_does_not_exist(engine: Engine, store: EvaluationStore) -> None:
    other = EvaluationStore(engine, OTHER)
    with pytest.raises(NotFound, match="no evaluation"):
        other.get(ONE)
    assert not other.change(ONE, ("waiting",), status="cancelled")
    assert other.page(10, None) == []
    store.record(ONE, answer(1))
    assert list(other.answers(ONE)) == []


def test_pages_go_from_new_to_old(store: EvaluationStore) -> None:
    store.create(record(TWO))
    assert [one.id for one in store.page(10, None)] == [TWO, ONE]
    assert [one.id for one in store.page(10, TWO)] == [ONE]


def test_ended_ones_are_forgotten_with_their_answers(
    engine: Engine, store: EvaluationStore
) -> None:
    store.create(record(TWO, status="done", ended_at_ns=5))
    store.record(TWO, answer(1))
    assert prune_evaluations(engine, 5) == 0
    assert prune_evaluations(engine, 6) == 1
    assert [one.id for one in store.page(10, None)] == [ONE]
    assert list(store.answers(TWO)) == []


def test_blocks_are_kept_once_and_read_in_order(engine: Engine) -> None:
    blocks = DatasetBlocks(engine, ACME)
    blocks.keep("d", [NewBlock(100, b"first"), NewBlock(20, b"second")])
    blocks.keep("d", [NewBlock(100, b"other"), NewBlock(20, b"other")])
    assert list(blocks.read("d")) == [(0, b"first"), (1, b"second")]
    assert (blocks.count("d"), blocks.count("e")) == (120, 0)
    assert DatasetBlocks(engine, OTHER).count("d") == 0
