"""Erasures, on both databases: content goes, figures stay, nothing of it comes in again."""

import pytest
from sqlalchemy import Engine, select

from legato.core.clock import ManualClock
from legato.core.erasure import Subject
from legato.core.errors import Conflict
from legato.core.ids import IdSource
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.database.engine import reading
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore
from legato.storage.evaluation.datasets import DatasetBlocks, NewBlock, prune_traffic_datasets
from legato.storage.evaluation.evaluations import AnswerRecord, EvaluationRecord, EvaluationStore
from legato.storage.evaluation.feedback import FeedbackIntake, SealedWord
from legato.storage.evaluation.live_scores import LiveScore, LiveScores, Watched
from legato.storage.evaluation.reviews import NewItem, ReviewStore
from legato.storage.kept.responses import ResponseStore, StoredResponse
from legato.storage.tables.feedback import feedback

ACME, OTHER = Tenant("acme"), Tenant("other")
ANN, BOB = "a" * 24, "b" * 24


@pytest.fixture
def store(engine: Engine, clock: ManualClock, ids: IdSource) -> ErasureStore:
    return ErasureStore(engine, clock, ids, ACME)


def answer(number: int, origin: Origin, request_id: str) -> AnswerRecord:
    return AnswerRecord(
        case_number=number, subject=0, repetition=0, case_id=origin.request_id, weight=1.0,
        request_id=request_id, error="", cost=1, scoring_cost=0, latency_us=1, scores="[1.0]",
        scored=True, sealed=b"sealed", at_ns=1, origin_request=origin.request_id,
        origin_user=origin.user,
    )  # fmt: skip


def evaluation(engine: Engine, run: str) -> EvaluationStore:
    kept = EvaluationStore(engine, ACME)
    kept.create(
        EvaluationRecord(
            org="acme", id=run, key_id="k", author="key:ci", name="", status="running",
            sealed=b"plan", answers=2, cost_max=None, created_at_ns=1,
        )
    )  # fmt: skip
    return kept


def test_an_act_that_was_cut_off_goes_on_under_its_record(store: ErasureStore) -> None:
    first = store.begin(Subject(ANN), "operator:me")
    store.count(first.id, {"captures": 2})
    again = store.begin(Subject(ANN), "operator:other")
    assert (again.id, again.author, again.counts) == (first.id, "operator:me", {"captures": 2})
    store.count(first.id, {"captures": 3}, ended=True)
    assert store.begin(Subject(ANN), "operator:me").id != first.id
    assert [one.ended_at_ns is None for one in store.page(9, None)] == [True, False]


def test_answers_lose_their_texts_and_keep_their_figures(
    engine: Engine, store: ErasureStore, ids: IdSource
) -> None:
    run, mine, theirs = ids.new(), Origin(ids.new(), ANN), Origin(ids.new(), BOB)
    kept = evaluation(engine, run)
    kept.record(run, answer(0, mine, ids.new()))
    kept.record(run, answer(1, theirs, ids.new()))
    eraser, meant = ContentEraser(engine, ACME), Meant({mine.request_id}, ANN)
    assert ContentEraser(engine, ACME, dry_run=True).answers(meant) == 1
    assert ContentEraser(engine, OTHER).answers(meant) == 0
    assert (eraser.answers(meant), eraser.answers(meant)) == (1, 0)
    rows = kept.answers_page(run, (-1, -1, -1), 9, amiss=False)
    assert [(one.sealed, one.scores) for one in rows] == [(b"", "[1.0]"), (b"sealed", "[1.0]")]
    store.begin(Subject(BOB), "operator:me")
    late = answer(2, theirs, ids.new())
    kept.record(run, late)
    rows = kept.answers_page(run, (-1, -1, -1), 9, amiss=False)
    assert [one.sealed for one in rows] == [b"", b"sealed", b""]


def test_what_is_said_of_it_goes_too(engine: Engine, store: ErasureStore, ids: IdSource) -> None:
    mine, theirs = ids.new(), ids.new()
    for request_id, user in ((mine, ANN), (theirs, BOB), (theirs, ANN)):
        word = SealedWord(
            id=ids.new(), request_id=request_id, end_user=user, key_id="k", at_ns=1,
            signals={"comment": b"text", **({"thumbs": "up"} if user == BOB else {})},
        )  # fmt: skip
        FeedbackIntake(engine, ACME).put(word)
    meant = Meant({mine}, ANN)
    assert ContentEraser(engine, ACME, dry_run=True).feedback(meant) == 2
    assert ContentEraser(engine, OTHER).feedback(meant) == 0
    assert ContentEraser(engine, ACME).feedback(meant) == 2
    with reading(engine) as connection:
        left = connection.execute(select(feedback.c.end_user, feedback.c.comment)).all()
    assert [(row.end_user, bytes(row.comment)) for row in left] == [(BOB, b"text")]


def test_reviews_responses_and_reasons_go_and_do_not_come_back(
    engine: Engine, store: ErasureStore, ids: IdSource
) -> None:
    request_id = ids.new()
    reviews, responses = ReviewStore(engine, ACME), ResponseStore(engine)
    scores, eraser = LiveScores(engine, ACME), ContentEraser(engine, ACME)
    reviews.add([NewItem(ids.new(), "j", "api", b"s", 1, request_id)], 1)
    reviews.add([NewItem(ids.new(), "j", f"request:{request_id}", b"s", 1)], 1)
    responses.put(StoredResponse("acme", "resp_1", "", 1, b"s", request_id, ANN))

    def score(scorer: str) -> None:
        scores.put(
            LiveScore(
                id=ids.new(), policy="p", scorer=scorer, request_id=request_id, versions="",
                deployment="d", at_ns=1, value=None, sealed=b"why", cost=0, scored_at_ns=1,
            ),
            lambda _: Watched("{}"),
            user=ANN,
        )  # fmt: skip

    score("first")
    meant = Meant({request_id})
    assert (eraser.reviews(meant), eraser.responses(meant)) == (2, 1)
    assert eraser.live_scores(meant) == 1
    assert eraser.live_scores(meant) == 0
    store.begin(Subject(request_id=request_id), "operator:me")
    with pytest.raises(Conflict, match="was erased"):
        reviews.add([NewItem(ids.new(), "j", "api", b"s", 1, request_id)], 1)
    responses.put(StoredResponse("acme", "resp_1", "", 1, b"s", request_id, ANN))
    score("second")
    assert responses.get("acme", "resp_1") is None
    assert eraser.live_scores(meant) == 0


def test_a_users_mark_is_for_what_came_before_it(
    engine: Engine, store: ErasureStore, clock: ManualClock, ids: IdSource
) -> None:
    blocks = DatasetBlocks(engine, ACME)
    before = Origin(ids.new(), ANN)
    store.begin(Subject(ANN), "operator:me")
    clock.advance(1)
    after = Origin(ids.new(), ANN)
    assert blocks.erased([before, after, Origin(ids.new(), BOB), Origin()]) == {before}
    with pytest.raises(Conflict, match="make it again"):
        blocks.keep("d1", [NewBlock(1, b"s", frozenset({before}))])
    blocks.keep("d1", [NewBlock(1, b"s", frozenset({after}))])
    blocks.keep("d2", [NewBlock(2, b"s")])
    blocks.rewrite("d2", 0, b"t", erased=1)
    kept = {one.digest: (one.cases, one.erased, one.traffic) for one in blocks.kept()}
    assert kept == {"d1": (1, 0, True), "d2": (2, 1, False)}
    assert (blocks.with_erased("d2"), blocks.block("d2", 0)) == ([0], b"t")
    assert prune_traffic_datasets(engine, 1) == 0
    assert prune_traffic_datasets(engine, 2**62) == 1
    assert [one.digest for one in blocks.kept()] == ["d2"]
    assert blocks.delete("d2") == 2
