"""Who may hand in a batch: one at a time, and never again who was taken over."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from legato.storage.runs.batch_claims import BatchClaims

if TYPE_CHECKING:
    from sqlalchemy import Engine

LONG_NS, GONE_NS = 60_000_000_000, 1
BATCH = ("acme", "batch_1")


@pytest.fixture
def claims(engine: Engine) -> BatchClaims:
    return BatchClaims(engine)


def test_one_of_many_gets_it(claims: BatchClaims) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda n: claims.take(*BATCH, f"holder-{n}", LONG_NS), range(16)))
    assert taken.count(True) == 1
    winner = f"holder-{taken.index(True)}"
    assert claims.take(*BATCH, winner, LONG_NS)
    assert claims.renew(*BATCH, winner, LONG_NS)
    assert not claims.renew(*BATCH, "another", LONG_NS)


def test_a_lapsed_one_is_taken_over_for_good(claims: BatchClaims) -> None:
    assert claims.take(*BATCH, "sleeper", GONE_NS)
    time.sleep(0.001)
    assert claims.take(*BATCH, "next", GONE_NS)
    time.sleep(0.001)
    assert not claims.renew(*BATCH, "sleeper", LONG_NS)
    assert claims.settle(*BATCH, "sleeper", "theirs") is None
    assert claims.outcome(*BATCH) is None
    assert claims.settle(*BATCH, "next", "ours") == "ours"
    assert claims.settle(*BATCH, "sleeper", "theirs") == "ours"


def test_a_lapsed_one_that_nobody_took_goes_on(claims: BatchClaims) -> None:
    assert claims.take(*BATCH, "slow", GONE_NS)
    time.sleep(0.001)
    assert claims.renew(*BATCH, "slow", LONG_NS)
    assert not claims.take(*BATCH, "next", LONG_NS)


def test_what_is_settled_is_claimed_by_nobody(claims: BatchClaims) -> None:
    assert claims.take(*BATCH, "first", GONE_NS)
    assert claims.settle(*BATCH, "first", "") == ""
    time.sleep(0.001)
    assert not claims.take(*BATCH, "next", LONG_NS)
    assert not claims.renew(*BATCH, "first", LONG_NS)
    assert claims.outcome(*BATCH) == ""


def test_what_is_forgotten_came_to_nothing(claims: BatchClaims) -> None:
    assert claims.take(*BATCH, "first", LONG_NS)
    claims.forget(*BATCH)
    assert claims.settle(*BATCH, "first", "theirs") == ""


def test_organisations_and_batches_are_apart(claims: BatchClaims) -> None:
    assert claims.take(*BATCH, "a", LONG_NS)
    assert claims.take("other", BATCH[1], "b", LONG_NS)
    assert claims.take(BATCH[0], "batch_2", "c", LONG_NS)
    claims.forget("other", BATCH[1])
    assert claims.renew(*BATCH, "a", LONG_NS)
