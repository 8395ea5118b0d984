"""Quality floors, learnt by several nodes over one database, on both databases."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.registry.floor_shares import FloorShares
from legato.registry.floor_status import floor_status
from legato.routing.floor.freedom import About, Floor, Reason, Terms
from legato.storage.registry.floors import FloorStore

TERMS = Terms(margin=0.04, alpha=0.2)
ACME, OTHER = About("acme", "chat", "one"), About("other", "chat", "one")
NODES, PAIRS_OF_EACH = 2, 60


@pytest.fixture
def new_store(engine: Engine, clock: ManualClock) -> Callable[[], FloorStore]:
    """Makes stores as nodes have them: each with ids of its own."""
    return lambda: FloorStore(engine, clock, IdSource(clock))


def test_nodes_that_learn_at_once_lose_no_pair(new_store: Callable[[], FloorStore]) -> None:
    nodes = [new_store() for _ in range(NODES)]

    def learn(store: FloorStore) -> None:
        for _ in range(PAIRS_OF_EACH):
            store.learn(ACME, 0, TERMS)

    with ThreadPoolExecutor(NODES) as threads:
        list(threads.map(learn, nodes))
    floor = nodes[0].floor(ACME)
    assert floor.pairs.equal == floor.observed == NODES * PAIRS_OF_EACH
    moves = nodes[1].moves("acme", "chat", 20)
    shares = [one.move.after for one in moves]
    assert len(shares) == len(set(shares))  # each change once, whoever saw it
    assert max(shares) == floor.share
    assert {one.move.reason for one in moves} == {Reason.PROVEN}


async def test_every_node_follows_what_another_has_proven(
    new_store: Callable[[], FloorStore],
) -> None:
    first, second = (FloorShares(new_store(), asyncio.to_thread) for _ in range(NODES))
    of_first, of_second = (each.share_of("chat", lambda _: "one") for each in (first, second))
    following = asyncio.create_task(second.follow())
    while of_first("acme") == 0.0:
        await first.learn(ACME, 0, TERMS)
    async with asyncio.timeout(5):
        while of_second("acme") != of_first("acme"):
            await asyncio.sleep(0.02)
    assert of_second("other") == 0.0
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


def test_another_organisation_has_a_floor_of_its_own(new_store: Callable[[], FloorStore]) -> None:
    store = new_store()
    while store.floor(ACME).share == 0.0:
        store.learn(ACME, 0, TERMS)
    store.learn(OTHER, 1, TERMS)
    assert store.floor(OTHER).pairs.worse == 1
    assert store.floor(About("nobody", "chat", "one")) == Floor()
    assert store.moves("other", "chat", 20) == []
    assert {one.about: one.floor.share > 0 for one in store.read()[1]} == {ACME: True, OTHER: False}
    status = floor_status(store, ACME, TERMS)
    assert (status.org, status.worse) == ("acme", 0)
    assert status.loss_at_most is not None
    assert len(status.moves) == 1
