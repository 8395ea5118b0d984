from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from legato.cache.exact import CachedAnswer  # noqa: E402 - all of this needs numpy
from legato.cache.semantic.entry import Entry  # noqa: E402
from legato.cache.semantic.memory import Memory  # noqa: E402
from legato.core.clock import ManualClock  # noqa: E402
from legato.core.semantic_records import Counts, Selection  # noqa: E402
from legato.core.usage import Usage  # noqa: E402

DIMENSIONS = 64
POOL = np.random.default_rng(1).normal(size=(60, DIMENSIONS)).astype(np.float32)
POOL /= np.linalg.norm(POOL, axis=1, keepdims=True)
_S = 1_000_000_000


def entry(name: str, clock: ManualClock, **changes: Any) -> Entry:
    body = b"x" * changes.pop("size", 10)
    facts: dict[str, Any] = {
        "id": name,
        "partition": b"p",
        "text": f"question {name}",
        "answer": CachedAnswer(body, False, Usage(), 1, "d", "m", 0),
        "cost": 1_000,
        "org": "acme",
        "team": "t",
        "route": "r",
        "versions": "",
        "tags": (),
        "created_ns": clock.now_ns(),
        "expires_ns": clock.now_ns() + 100 * _S,
    }
    return Entry(**{**facts, **changes})


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "drop", "purge", "wait"]), st.integers(0, 59)),
        max_size=80,
    ),
    st.integers(0, 59),
)
def test_nothing_crosses_partitions_and_all_that_lives_is_found(
    steps: list[tuple[str, int]], asked: int
) -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 10**9, clock)
    there: dict[str, Entry] = {}
    for what, n in steps:
        name, partition = str(n), b"%d" % (n % 3)
        if what == "add":
            one = entry(name, clock, partition=partition, tags=(f"{n % 7}",))
            added = memory.add(one, POOL[n])
            assert added == (name not in there)
            there.setdefault(name, one)
        elif what == "drop":
            assert memory.remove([name]) == ([name] if name in there else [])
            there.pop(name, None)
        elif what == "purge":
            tag = f"{n % 7}"
            gone = {one for one in there if tag in there[one].tags}
            assert set(memory.purge(Selection(tags=(tag,)), clock.now_ns())) == gone
            there = {one: held for one, held in there.items() if one not in gone}
            clock.advance(1)
        else:
            clock.advance(n)
            memory.expire(1_000)
            there = {i: e for i, e in there.items() if e.expires_ns > clock.now_ns()}
    assert {one.id for one in memory.entries()} == set(there)
    for partition in (b"0", b"1", b"2", b"none"):
        wanted = {
            one.id: float(POOL[int(one.id)] @ POOL[asked])
            for one in there.values()
            if one.partition == partition
        }
        found = {hit.entry.id: hit.similarity for hit in memory.nearest(partition, POOL[asked], 60)}
        assert found == pytest.approx(wanted, abs=1e-3)


def test_an_expired_entry_is_never_found() -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 10**6, clock)
    assert memory.add(entry("1", clock), POOL[1])
    clock.advance(100)
    assert memory.nearest(b"p", POOL[1], 8) == []
    assert memory.get("1") is None
    assert list(memory.entries()) == []
    assert memory.expire(10) == 1
    assert memory.bytes_held == 0
    assert not memory.add(entry("2", clock, expires_ns=clock.now_ns()), POOL[1])


def test_one_tenant_cannot_push_out_another_that_holds_less() -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 100_000, clock)
    for n in range(10):
        memory.add(entry(f"quiet {n}", clock, org="quiet", cost=1), POOL[n])
    for n in range(500):
        memory.add(entry(f"loud {n}", clock, org="loud", cost=10**9), POOL[n % 60])
        memory.make_room()
    assert memory.bytes_held <= 100_000
    assert sum(one.org == "quiet" for one in memory.entries()) == 10


def test_what_saved_most_a_byte_stays() -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 100_000, clock)
    memory.add(entry("used", clock), POOL[0])
    memory.count("used", Counts(50, 50_000, 0))
    memory.add(entry("dear", clock, cost=10**6), POOL[0])
    memory.add(entry("large", clock, cost=10**4, size=50_000), POOL[0])
    gone: list[str] = []
    for n in range(60):
        memory.add(entry(f"{n}", clock), POOL[n])
        gone += memory.make_room()
    assert "large" in gone
    assert memory.get("used") is not None
    assert memory.get("dear") is not None
    assert memory.counts("used") == Counts(50, 50_000, 0)


def test_what_was_useful_once_goes_in_the_end() -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 30_000, clock)
    memory.add(entry("once", clock), POOL[0])
    memory.count("once", Counts(3, 3_000, 0))
    for n in range(200):
        memory.add(entry(f"{n}", clock), POOL[n % 60])
        memory.make_room()
    assert memory.get("once") is None


def test_what_is_larger_than_all_room_is_not_held() -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 30_000, clock)
    assert not memory.add(entry("large", clock, size=40_000), POOL[0])
    assert len(memory) == 0


def test_a_purge_holds_for_what_comes_late_until_it_is_let_go() -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 10**6, clock)
    early = entry("early", clock, versions="prompt/a@1")
    clock.advance(1)
    assert memory.purge(Selection(versions="prompt/a@"), clock.now_ns()) == []
    assert not memory.add(early, POOL[0])
    assert memory.add(entry("other", clock, versions="prompt/b@1"), POOL[0])
    clock.advance(1)
    assert memory.add(entry("after", clock, versions="prompt/a@1"), POOL[0])
    memory.forget_purges(clock.now_ns())
    assert memory.add(early, POOL[0])


def test_many_purges_become_one_of_all_that_an_organisation_had() -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 10**6, clock)
    early, others = entry("early", clock), entry("others", clock, org="globex")
    for number in range(10_001):
        memory.purge(Selection(org="acme", tags=(f"tag {number}",)), clock.now_ns())
    assert not memory.add(early, POOL[0])
    assert memory.add(others, POOL[0])
    assert memory.purge(Selection(org="acme"), clock.now_ns()) == []
    assert memory.purge(Selection(org="globex"), clock.now_ns()) == ["others"]
    memory.forget_purges(clock.now_ns() + 1)
    assert memory.add(early, POOL[0])
    assert memory.purge(Selection(), clock.now_ns()) == ["early"]
    assert not memory.add(entry("others", clock, org="globex"), POOL[0])


def test_what_was_asked_before_a_time_is_named_by_it() -> None:
    clock = ManualClock()
    memory = Memory(DIMENSIONS, 10**6, clock)
    memory.add(entry("old", clock), POOL[0])
    clock.advance(5)
    memory.add(entry("new", clock), POOL[0])
    before = Selection(before_ns=clock.now_ns())
    assert [one.id for one in memory.entries(before)] == ["old"]
    assert memory.purge(before, clock.now_ns()) == ["old"]
