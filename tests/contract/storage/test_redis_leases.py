"""The store of leases forgets, restarts, is away: what it has granted still holds."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine
from tests.redis_server import PROGRAM, RedisServer

from legato.core.clock import ManualClock
from legato.core.errors import ConfigInvalid, NotFound, StorageUnavailable
from legato.core.leases import Grant, Limit, LimitKind, Returned, Wish
from legato.core.records import Settled
from legato.storage.ledger.ledger import Ledger
from legato.storage.ledger.verify import verify
from legato.storage.limits.redis.books import LeaseBooks
from legato.storage.limits.redis.feed import LedgerFeed
from legato.storage.limits.redis.holds import LastingHolds
from legato.storage.limits.redis.leases import RedisLeases
from legato.storage.limits.redis.link import Link, StoreAway, StoreTerms
from legato.storage.limits.redis.session import Session

from .journal_records import AT_NS, encoded, intent, settled

BUDGET = Limit(LimitKind.BUDGET, "key:k1", 1_000, "month")
RATE = Limit(LimitKind.RATE, "k1", 100, "60")
NOV_NS = 1_698_796_800_000_000_000
DAY_NS = 1_699_920_000_000_000_000
NewLeases = Callable[[], RedisLeases]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Shared by the tests of this file, one after the other: it is wiped and killed here."""
    if PROGRAM is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    own = RedisServer(tmp_path_factory.mktemp("redis") / "own", "--save", "3600", "1")
    own.start()
    yield own
    own.kill()


@pytest.fixture
def session(engine: Engine, clock: ManualClock, server: RedisServer) -> Callable[..., Session]:
    return lambda **options: Session(server.terms, LeaseBooks(engine, clock), clock, **options)


@pytest.fixture
def new(session: Callable[..., Session]) -> NewLeases:
    return lambda: RedisLeases(session())


@pytest.fixture
def feed(session: Callable[..., Session]) -> LedgerFeed:
    return LedgerFeed(session())


@pytest.fixture
def ledger(engine: Engine, clock: ManualClock, feed: LedgerFeed) -> Ledger:
    return Ledger(engine, clock, feed=feed)


def take(leases: RedisLeases, holder: str, want: int, limit: Limit = BUDGET) -> Grant:
    return leases.take([Wish(limit, want)], holder=holder)[0]


def back(leases: RedisLeases, holder: str, amount: int) -> None:
    leases.give_back([Returned(LimitKind.BUDGET, BUDGET.id, NOV_NS, amount)], holder=holder)


def spend(ledger: Ledger, holder: str, number: int, cost: int) -> None:
    payload = encoded(settled(f"{holder}-{number}", cost=cost, budget=BUDGET.id))
    ledger.commit(f"{holder}/1", number, payload)


def test_what_is_spent_moves_from_leased_to_settled(
    new: NewLeases, ledger: Ledger, engine: Engine
) -> None:
    leases = new()
    take(leases, "a", 600)
    spend(ledger, "a", 1, 250)
    assert take(leases, "a", 0)[:3] == (0, 250, 350)
    back(leases, "a", 9_999)
    assert take(leases, "b", 1_000)[:3] == (750, 250, 750)
    take(leases, "b", 0)
    spend(ledger, "b", 1, 750)
    ledger.writer_finished("a")
    ledger.writer_finished("b")
    assert take(leases, "c", 1)[:3] == (0, 1_000, 0)
    assert verify(engine).problems == []


def test_an_orphan_is_spent_and_the_rest_of_the_lease_comes_back(
    new: NewLeases, ledger: Ledger
) -> None:
    leases = new()
    take(leases, "a", 1_000)
    ledger.commit("a/1", 1, encoded(intent("r1", cost=900, budget=BUDGET.id)))
    assert take(leases, "b", 500).granted == 0, "its journal isn't over"
    ledger.writer_finished("a")
    assert take(leases, "b", 500)[:3] == (100, 900, 100)


def test_what_was_lost_with_its_machine_is_written_off(
    new: NewLeases, feed: LedgerFeed, *, ledger: Ledger, engine: Engine, server: RedisServer
) -> None:
    take(new(), "lost", 700)
    ledger.commit("lost/1", 1, encoded(intent("r1", cost=400, budget=BUDGET.id)))
    server.wipe()
    one = new()
    assert one.attend() is False
    Ledger(engine).write_off("lost")
    assert feed.attend()
    assert take(one, "a", 1_000)[:3] == (600, 400, 600)
    with pytest.raises(NotFound, match="no writer 'lost'"):
        Ledger(engine).write_off("lost")


def test_a_budget_whose_window_is_changed_under_way_is_never_overspent(
    new: NewLeases, ledger: Ledger, *, feed: LedgerFeed, server: RedisServer, engine: Engine
) -> None:
    """What either window paid is counted once, whoever asks of which, and after a loss as well."""
    day = BUDGET._replace(span="day")
    one, other = new(), new()
    assert take(one, "a", 400, day)[:3] == (400, 0, 400)
    ledger.commit("a/1", 1, encoded(_paid("r1", 150, "day")))
    assert take(one, "a", 1_000)[:3] == (600, 150, 850), "250 are held under the former window"
    ledger.commit("a/1", 2, encoded(_paid("r2", 500, "month")))
    assert take(one, "a", 0)[:3] == (0, 650, 350)
    assert take(other, "b", 1)[:3] == (0, 650, 350)
    assert take(other, "b", 1, day).granted == 0, "one that has not heard of the change"
    server.wipe()
    one.attend()
    assert other.attend()
    assert feed.attend()
    assert take(other, "b", 1)[:3] == (0, 650, 350)
    ledger.commit("a/1", 3, encoded(_paid("r3", 50, "day")))
    one.give_back([Returned(LimitKind.BUDGET, BUDGET.id, DAY_NS, 200, "day")], holder="a")
    assert take(other, "b", 1_000)[:3] == (200, 700, 300)
    ledger.commit("a/1", 4, encoded(intent("r4", cost=60, budget=BUDGET.id, spans="month")))
    ledger.writer_finished("a")
    assert take(other, "b", 1_000)[:3] == (40, 760, 240)
    assert verify(engine).problems == []


def _paid(request_id: str, cost: int, span: str) -> Settled:
    return replace(settled(request_id, cost=cost, budget=BUDGET.id), budget_spans=span)


def test_a_late_outcome_is_counted_once(new: NewLeases, ledger: Ledger) -> None:
    leases = new()
    take(leases, "a", 1_000)
    ledger.commit("a/1", 1, encoded(intent("r1", cost=900, budget=BUDGET.id)))
    ledger.writer_finished("a")
    ledger.commit("a/2", 1, encoded(settled("r1", cost=400, budget=BUDGET.id)))
    ledger.writer_finished("a")
    assert take(leases, "b", 1_000)[:3] == (600, 400, 600)


def test_nothing_is_granted_before_all_have_said_what_they_have(
    new: NewLeases, ledger: Ledger, server: RedisServer
) -> None:
    one, other = new(), new()
    take(one, "a", 300)
    take(other, "b", 300)
    spend(ledger, "b", 1, 200)
    server.wipe()
    with pytest.raises(StorageUnavailable, match="lost its memory"):
        take(one, "a", 1_000)
    assert one.waits_for == ["b"]
    assert other.attend(), "the last to come opens"
    assert take(one, "a", 1_000)[:3] == (400, 200, 800)


def test_a_question_waits_for_the_others_to_enrol(new: NewLeases, server: RedisServer) -> None:
    one, other = new(), new()
    take(one, "a", 300)
    take(other, "b", 300)
    server.wipe()
    soon = threading.Timer(0.1, other.attend)
    soon.start()
    assert take(one, "a", 1_000).granted == 400
    soon.join()


def test_the_dead_are_waited_for_until_their_journal_is_read(
    new: NewLeases, ledger: Ledger, feed: LedgerFeed, server: RedisServer
) -> None:
    one = new()
    take(one, "a", 300)
    take(new(), "dead", 500)
    server.wipe()
    assert one.attend() is False
    spend(ledger, "dead", 1, 450)
    assert one.attend() is False
    ledger.writer_finished("dead")
    assert one.attend()
    assert feed.attend()
    assert take(one, "a", 1_000)[:3] == (250, 450, 550)


def test_a_store_that_comes_back_with_old_figures_is_not_believed(
    new: NewLeases, server: RedisServer
) -> None:
    one = new()
    take(one, "a", 300)
    server.ask("SAVE")
    take(one, "a", 300)
    back(one, "a", 100)
    server.kill()
    with pytest.raises(StoreAway):
        take(one, "a", 1)
    server.start()
    assert server.ask("DBSIZE") != 0
    other = new()
    soon = threading.Timer(0.1, one.attend)
    soon.start()
    assert take(other, "b", 1_000)[:3] == (500, 0, 1_000)
    soon.join()


def test_lost_words_are_noticed_though_the_server_is_the_same(
    new: NewLeases, session: Callable[..., Session], server: RedisServer
) -> None:
    """As after a fail-over behind a proxy: one counter goes back to an earlier state."""
    one, other = new(), new()
    take(one, "a", 300)
    take(other, "b", 100)
    look = session()
    look.ready()
    key = look.window_key(next(iter(one._session.slices.every()))[1].window)
    take(one, "a", 300)
    epoch = look.epoch
    server.ask("HINCRBY", key, "out", -300)
    server.ask("HINCRBY", key, "t:a", -300)
    server.ask("HINCRBY", key, "s:a", -1)
    soon = threading.Timer(0.1, other.attend)
    soon.start()
    assert take(one, "a", 1_000)[:3] == (300, 0, 1_000)
    soon.join()
    look.refresh()
    assert look.epoch != epoch


def test_the_ledger_goes_on_while_the_store_is_away(
    new: NewLeases, ledger: Ledger, feed: LedgerFeed, server: RedisServer
) -> None:
    one = new()
    take(one, "a", 800)
    server.kill()
    spend(ledger, "a", 1, 700)
    ledger.writer_finished("a")
    with pytest.raises(StoreAway):
        feed.attend()
    server.start()
    assert feed.attend()
    assert take(new(), "b", 1_000)[:3] == (300, 700, 300)


def test_what_a_killed_process_had_not_said_is_said_by_the_next(
    new: NewLeases, feed: LedgerFeed, *, engine: Engine, clock: ManualClock
) -> None:
    class Deaf:
        def posted(self, window_ids: object) -> None:
            """Killed after the commit."""

        def finished(self, holder: str, window_ids: object) -> None:
            """Likewise."""

    leases = new()
    take(leases, "a", 800)
    killed = Ledger(engine, clock, feed=Deaf())
    spend(killed, "a", 1, 300)
    assert take(leases, "b", 1_000)[:3] == (200, 0, 1_000), "leased still: too much, not too little"
    feed.attend()
    assert take(leases, "b", 0)[:3] == (0, 300, 700)
    killed.writer_finished("a")
    assert take(leases, "b", 0)[:3] == (0, 300, 700)
    feed.attend()
    assert take(leases, "b", 0)[:3] == (0, 300, 200)


def test_rates_of_a_minute_whose_counts_died_are_refused_until_it_is_over(
    new: NewLeases, ledger: Ledger, server: RedisServer, clock: ManualClock
) -> None:
    one = new()
    take(one, "a", 10, RATE)
    take(new(), "dead", 50, RATE)
    ledger.writer_finished("dead")
    server.wipe()
    one.attend()
    assert take(one, "a", 100, RATE).granted == 0
    clock.advance(60)
    assert take(one, "a", 100, RATE).granted == 100


def test_requests_of_a_day_outlive_who_made_them(
    new: NewLeases, ledger: Ledger, server: RedisServer
) -> None:
    one, day = new(), Limit(LimitKind.RATE, "k1", 100, "day")
    take(one, "a", 10, day)
    take(new(), "dead", 50, day)
    ledger.writer_finished("dead")
    assert take(one, "a", 0, day)[:3] == (0, 50, 10)
    server.wipe()
    assert take(one, "a", 100, day)[:3] == (40, 50, 50)


def test_rates_are_said_again_like_the_rest(new: NewLeases, server: RedisServer) -> None:
    one = new()
    take(one, "a", 30, RATE)
    one.give_back([Returned(LimitKind.RATE, "k1", AT_NS // 60_000_000_000 * 60_000_000_000, 10)],
                  holder="a")  # fmt: skip
    server.wipe()
    assert take(one, "a", 100, RATE).granted == 80


def test_every_key_of_a_window_ends(new: NewLeases, server: RedisServer) -> None:
    leases = new()
    slots = Limit(LimitKind.SLOTS, "k1", 4, "total")
    server.wipe()
    for limit in (BUDGET, RATE, slots):
        take(leases, "a", 1, limit)
    leases.give_back([Returned(LimitKind.SLOTS, "k1", 0, 1)], holder="a")
    keys = server.ask("KEYS", "*:w:*")
    assert isinstance(keys, list)
    assert len(keys) == 3
    for key in keys:
        seconds = server.ask("TTL", key)
        assert isinstance(seconds, int)
        assert seconds > 0, key


def test_a_batch_holds_beyond_its_process_and_the_stores_memory(
    session: Callable[..., Session],
    new: NewLeases,
    *,
    engine: Engine,
    ledger: Ledger,
    server: RedisServer,
) -> None:
    leases = new()
    take(leases, "a", 300)
    holds = LastingHolds(session(is_announced=False), engine)
    assert holds.take([Wish(BUDGET, 900, 900)], holder="batch")[0].granted == 0
    assert holds.take([Wish(BUDGET, 600, 600)], holder="batch")[0].granted == 600
    assert take(leases, "a", 0)[:3] == (0, 0, 900)
    server.wipe()
    assert take(leases, "a", 1_000)[:3] == (100, 0, 1_000)
    spend(ledger, "batch", 1, 250)
    assert take(leases, "a", 0)[:3] == (0, 250, 750)
    ledger.writer_finished("batch")
    assert take(leases, "a", 0)[:3] == (0, 250, 400)


def test_a_store_that_may_evict_is_refused(server: RedisServer) -> None:
    server.ask("CONFIG", "SET", "maxmemory", "50mb")
    server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(StoreAway, match="maxmemory-policy is allkeys-lru"):
            Link(server.terms).open()
    finally:
        server.ask_anyway("CONFIG", "SET", "maxmemory", "0")


@pytest.mark.parametrize("url", ["http://there", "redis://h:port/0"])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"limits\.store\.url"):
        Link(StoreTerms(url))


def test_nobody_there_is_told_without_the_password(unused_tcp_port: int, tmp_path: Path) -> None:
    for url in (f"redis://:secret@127.0.0.1:{unused_tcp_port}/0", f"unix://{tmp_path}/none"):
        with pytest.raises(StoreAway) as caught:
            Link(StoreTerms(url)).open()
        assert "secret" not in str(caught.value)
        assert not caught.value.may_have_arrived
