"""Scores of live answers, on both databases: once each, watched, alarmed."""

import json

import pytest
from sqlalchemy import Engine

from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.evaluation.live_scores import (
    Alarm,
    LiveScore,
    LiveScoreReader,
    LiveScores,
    ScoreSum,
    Watched,
    prune_live_scores,
)

ACME, OTHER = Tenant("acme"), Tenant("other")


@pytest.fixture
def scores(engine: Engine) -> LiveScores:
    return LiveScores(engine, ACME)


def score(ids: IdSource, request_id: str, value: float | None = 1.0, cost: int = 5) -> LiveScore:
    return LiveScore(
        id=ids.new(),
        policy="p",
        scorer="judge",
        request_id=request_id,
        versions="prompt/a@1",
        deployment="small",
        at_ns=10,
        value=value,
        sealed=b"reason",
        cost=cost,
        scored_at_ns=20,
    )


def counting(before: str | None) -> Watched:
    return Watched(str(int(before or 0) + 1))


def test_one_process_has_a_policy_until_its_time_is_over(scores: LiveScores) -> None:
    assert scores.hold("p", "one", 0, 10, start=7) == 7
    assert scores.hold("p", "two", 5, 15, start=9) is None
    scores.move_on("p", "one", 8)
    scores.move_on("p", "two", 99)
    assert scores.hold("p", "one", 9, 19, start=9) == 8
    assert scores.hold("p", "two", 20, 30, start=9) == 8


def test_a_score_counts_once_and_what_could_not_be_scored_is_not_watched(
    engine: Engine, scores: LiveScores, ids: IdSource
) -> None:
    seen: list[str | None] = []

    def watch(before: str | None) -> Watched:
        seen.append(before)
        return counting(before)

    for one in (score(ids, "r1"), score(ids, "r1"), score(ids, "r2", None), score(ids, "r3", 0.5)):
        assert scores.put(one, watch) is None
    assert seen == [None, "1"]
    assert scores.scored("p", "r1") == {"judge"}
    assert (scores.spent("p", 20), scores.spent("p", 21), scores.spent("q", 0)) == (15, 0, 0)
    reader = LiveScoreReader(engine, EVERY_TENANT)
    assert reader.sums() == [ScoreSum("p", "judge", "prompt/a@1", 2, 1, 0.75)]
    assert LiveScoreReader(engine, OTHER).sums() == []
    assert prune_live_scores(engine, 21) == 3


def test_an_alarm_is_kept_and_its_stream_begins_anew_once_acknowledged(
    engine: Engine, scores: LiveScores, ids: IdSource
) -> None:
    alarm = Alarm(ids.new(), "p", "judge", "prompt/a@1", 30, json.dumps({"direction": "lower"}))
    assert scores.put(score(ids, "r1"), lambda _: Watched("alarmed", alarm)) == alarm
    reader = LiveScoreReader(engine, ACME)
    assert reader.alarms(5, only_open=True) == [alarm]
    with pytest.raises(NotFound):
        LiveScores(engine, OTHER).acknowledge(alarm.id, "eve")
    assert scores.acknowledge(alarm.id, "ann").acknowledged_by == "ann"
    assert scores.acknowledge(alarm.id, "ben").acknowledged_by == "ann"
    assert reader.alarms(5, only_open=True) == []
    seen: list[str | None] = []
    scores.put(score(ids, "r2"), lambda before: (seen.append(before), counting(before))[1])
    assert seen == [None]
