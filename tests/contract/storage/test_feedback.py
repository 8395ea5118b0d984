"""What callers say of their answers, on both databases: kept, joined, summed, forgotten."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.errors import InvalidRequest
from legato.core.ids import IdSource
from legato.core.records import EntryKind
from legato.core.tenant import EVERY_TENANT, Reach, Tenant
from legato.storage.evaluation.feedback import FeedbackIntake, KeptWord, SealedWord, prune_feedback
from legato.storage.evaluation.feedback_reading import FeedbackFilter, FeedbackReader, FeedbackSum
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.ledger import Ledger

from .journal_records import encoded, intent, settled

ACME, OTHER = Tenant("acme"), Tenant("other")
ALL = FeedbackFilter()
Say = Callable[..., KeptWord]


@pytest.fixture
def say(engine: Engine, clock: ManualClock, ids: IdSource) -> Say:
    """Says something of a request, as a user or a key of an organisation."""

    def say(
        request_id: str,
        *,
        user: str = "",
        key_id: str = "k1",
        tenant: Tenant = ACME,
        **signals: Any,
    ) -> KeptWord:
        word = SealedWord(
            id=ids.new(),
            request_id=request_id,
            end_user=user,
            key_id=key_id,
            at_ns=clock.now_ns(),
            signals=signals,
        )
        clock.advance(1)
        return FeedbackIntake(engine, tenant).put(word)

    return say


def read(engine: Engine, reach: Reach = ACME, **narrowed: Any) -> list[dict[str, Any]]:
    return FeedbackReader(engine, reach).page(99, None, FeedbackFilter(**narrowed))


def sums(engine: Engine, *by: str, reach: Reach = ACME, **narrowed: Any) -> list[FeedbackSum]:
    return FeedbackReader(engine, reach).sum_by(by, FeedbackFilter(**narrowed))


def test_what_is_said_later_goes_over_what_was_said_before(engine: Engine, say: Say) -> None:
    first = say("r1", user="u1", thumbs="up", comment=b"sealed")
    again = say("r1", user="u1", thumbs="down", score=0.5, key_id="k2")
    assert (again.id, again.created_at_ns) == (first.id, first.created_at_ns)
    assert again.changed_at_ns > first.changed_at_ns
    (row,) = read(engine)
    assert (row["thumbs"], row["score"], row["comment"]) == ("down", 0.5, b"sealed")
    assert (row["end_user"], row["key_id"]) == ("u1", "k2")


def test_each_user_and_each_key_speaks_for_itself(engine: Engine, say: Say) -> None:
    say("r1", user="u1", thumbs="up")
    say("r1", user="u2", thumbs="down")
    say("r1", thumbs="up")
    say("r1", thumbs="down", key_id="k2")
    say("r2", thumbs="up")
    assert [(row["request_id"], row["source"]) for row in read(engine)] == [
        ("r2", "k1"), ("r1", "k2"), ("r1", "k1"), ("r1", "u2"), ("r1", "u1"),
    ]  # fmt: skip


def test_what_is_taken_back_is_gone_and_with_the_last_word_the_row(
    engine: Engine, say: Say
) -> None:
    say("r1", thumbs="up", score=1.0)
    assert not say("r1", thumbs=None).deleted
    (row,) = read(engine)
    assert (row["thumbs"], row["score"]) == (None, 1.0)
    assert say("r1", score=None).deleted
    assert read(engine) == []
    assert say("never", outcome=None).deleted


def test_two_who_speak_for_one_source_at_once_lose_nothing(engine: Engine, say: Say) -> None:
    barrier = threading.Barrier(2)

    def speak(**signals: Any) -> None:
        barrier.wait()
        for number in range(10):
            say(f"r{number}", user="u", **signals)

    others = [
        threading.Thread(target=speak, kwargs={name: value})
        for name, value in (("thumbs", "up"), ("outcome", "accepted"))
    ]
    for one in others:
        one.start()
    for one in others:
        one.join()
    assert {(row["thumbs"], row["outcome"]) for row in read(engine)} == {("up", "accepted")}
    assert len(read(engine)) == 10


def test_it_stands_beside_the_answer_whichever_came_first(
    engine: Engine, clock: ManualClock, say: Say
) -> None:
    say("r1", thumbs="up")
    assert read(engine)[0]["deployment"] is None
    assert [one.group for one in sums(engine, "deployment")] == [("",)]
    ledger = Ledger(engine, clock)
    records = encoded(
        settled("r1", 0, deployment="broken", kind=EntryKind.RETRY),
        settled("r1", 1, deployment="small", versions="prompt/a@1", arm="new/half held/treated"),
        settled("r2", deployment="", kind=EntryKind.CACHE),
    )
    ledger.commit("w/1", 1, records)
    (row,) = read(engine)
    assert (row["deployment"], row["versions"]) == ("small", "prompt/a@1")
    assert row["arm"] == "new/half held/treated"
    assert (row["team"], row["feature"], row["route"]) == ("support", "bot", "fast")
    for narrowed in ({"deployment": "small"}, {"versions": "prompt/a@1"}, {"feature": "bot"}):
        assert len(read(engine, **narrowed)) == 1
    for arm in ("new/half", "held/treated", "new/half held/treated"):
        assert len(read(engine, arm=arm)) == 1
    assert read(engine, arm="new/hal") == read(engine, arm="treated") == []
    assert read(engine, deployment="broken") == []


def test_an_entry_that_was_replaced_counts_once(
    engine: Engine, clock: ManualClock, say: Say
) -> None:
    ledger = Ledger(engine, clock)
    ledger.commit("w/1", 1, encoded(intent("r1")))
    ledger.writer_finished("w")  # closed as unknown, at its estimate
    ledger.commit("w/1", 2, encoded(settled("r1")))
    kinds = [entry["kind"] for entry in EntryReader(engine, ACME).entries_of("r1")]
    assert kinds == ["usage", "correction", "usage"]
    say("r1", thumbs="up")
    assert [row["model_served"] for row in read(engine)] == ["small-1"]
    assert [one.count for one in sums(engine)] == [1]


def test_nothing_of_another_tenant_is_seen_changed_or_joined(
    engine: Engine, clock: ManualClock, say: Say
) -> None:
    Ledger(engine, clock).commit("w/1", 1, encoded(settled("r1")))
    say("r1", thumbs="up")
    say("r1", thumbs="down", tenant=OTHER)
    (own,), (foreign,) = read(engine, ACME), read(engine, OTHER)
    assert (own["thumbs"], own["deployment"]) == ("up", "small")
    assert (foreign["thumbs"], foreign["deployment"]) == ("down", None)
    assert [one.group for one in sums(engine, "deployment", reach=OTHER)] == [("",)]
    assert len(read(engine, EVERY_TENANT)) == 2
    by_org = sums(engine, "org", reach=EVERY_TENANT)
    assert [(one.group, one.thumbs_up) for one in by_org] == [(("acme",), 1), (("other",), 0)]
    assert say("r1", thumbs=None, tenant=OTHER).deleted
    assert read(engine, ACME) == [own]


def test_it_is_summed_by_what_made_the_answer(engine: Engine, clock: ManualClock, say: Say) -> None:
    records = [settled(f"a{n}", deployment="a") for n in range(4)]
    Ledger(engine, clock).commit("w/1", 1, encoded(*records, settled("b0", deployment="b")))
    for number, thumbs in enumerate(("up", "up", "up", "down")):
        say(f"a{number}", thumbs=thumbs)
    say("a0", user="u", score=0.5, outcome="accepted")
    say("a1", user="u", score=1, outcome="rework", correction=b"sealed")
    say("b0", outcome="rejected")
    a, b = sums(engine, "deployment")
    assert (a.group, a.count, a.requests) == (("a",), 6, 4)
    assert (a.thumbs_up, a.thumbs_down, a.thumbs_up_share) == (3, 1, 0.75)
    assert (a.scores, a.score_mean) == (2, 0.75)
    assert (a.accepted, a.rework, a.rejected, a.accepted_share) == (1, 1, 0, 0.5)
    assert a.corrections == 1
    assert (b.group, b.thumbs_up_share, b.score_mean, b.accepted_share) == (("b",), None, None, 0)
    (total,) = sums(engine)
    assert (total.group, total.count) == ((), 7)
    assert [one.group for one in sums(engine, "day", "feature")] == [("2023-11-14", "bot")]
    with pytest.raises(InvalidRequest, match="deployment"):
        sums(engine, "colour")


def test_pages_go_back_in_time_and_filters_narrow_them(engine: Engine, say: Say) -> None:
    kept = [say(f"r{number}", user=f"u{number % 2}", thumbs="up") for number in range(5)]
    reader = FeedbackReader(engine, ACME)
    newest = [one.id for one in reversed(kept)]
    first = [row["id"] for row in reader.page(3, None, ALL)]
    rest = [row["id"] for row in reader.page(3, first[-1], ALL)]
    assert first + rest == newest
    assert len(read(engine, end_user="u1")) == 2
    assert [row["id"] for row in read(engine, request_id="r3")] == [kept[3].id]
    assert read(engine, thumbs="down") == read(engine, outcome="accepted") == []
    since_ns, until_ns = kept[1].created_at_ns, kept[4].created_at_ns
    assert len(read(engine, since_ns=since_ns, until_ns=until_ns)) == 3


def test_what_has_had_its_time_is_forgotten(engine: Engine, clock: ManualClock, say: Say) -> None:
    say("old", thumbs="up")
    say("changed", thumbs="up")
    clock.advance(100)
    since_ns = clock.now_ns()
    say("changed", score=1)
    say("new", thumbs="up")
    assert prune_feedback(engine, since_ns) == 1
    assert {row["request_id"] for row in read(engine)} == {"changed", "new"}
    assert prune_feedback(engine, since_ns) == 0
