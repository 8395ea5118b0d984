"""Which calls share a batch, and what becomes of each."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from legato.core.principal import Principal
from legato.gateway.gathering import Gather, Gathering, Ticket

LONG = Gather(for_s=600, calls_max=3)
ADA, BEN = (Principal(name, name, "acme", "team", "feature") for name in ("ada", "ben"))


class Books:
    """Notes what is handed in."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.batches: list[list[str]] = []

    async def __call__(
        self, caller: Principal, endpoint: str, bodies: list[dict[str, Any]]
    ) -> list[Ticket]:
        del endpoint
        self.batches.append([f"{caller.key_id} {body['word']}" for body in bodies])
        if self.fails:
            told = "no room"
            raise RuntimeError(told)
        return [Ticket(f"batch_{len(self.batches)}", body["word"]) for body in bodies]


def asked(gathering: Gathering, caller: Principal, word: str, gather: Gather = LONG) -> Any:
    body = {"model": "chat", "word": word}
    return asyncio.ensure_future(gathering.place(caller, "/v1/chat/completions", body, gather))


async def test_calls_of_a_key_share_a_batch_once_there_are_enough() -> None:
    books = Books()
    gathering = Gathering(books)
    places = [asked(gathering, ADA, word) for word in "abcd"]
    asked(gathering, BEN, "e")
    assert await asyncio.gather(*places[:3]) == [Ticket("batch_1", word) for word in "abc"]
    assert books.batches == [["ada a", "ada b", "ada c"]]
    assert not places[3].done()


async def test_they_wait_no_longer_than_is_said_and_who_left_is_not_asked_for() -> None:
    books = Books()
    gathering = Gathering(books)
    soon = Gather(for_s=0.05, calls_max=100)
    places = [asked(gathering, ADA, word, soon) for word in "ab"]
    await asyncio.sleep(0)
    places[0].cancel()
    assert await places[1] == Ticket("batch_1", "b")
    assert books.batches == [["ada b"]]


async def test_what_fails_is_told_to_each() -> None:
    gathering = Gathering(Books(fails=True))
    places = [asked(gathering, ADA, word) for word in "abc"]
    for place in places:
        with pytest.raises(RuntimeError, match="no room"):
            await place
