"""Large texts are looked through in slices, in turn, and what is found is as in the whole."""

from __future__ import annotations

import asyncio
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from legato.core.guarding import Finding, Piece, Place
from legato.detectors.running import Detectors, Opened
from legato.detectors.slices import OVERLAP_CHARS, SLICE_CHARS, Gathered, sliced
from legato.guardrails.scanning import structured

if TYPE_CHECKING:
    from collections.abc import Callable

EVERYWHERE = frozenset(Place)
MAIL = re.compile(r"\b[a-z]+@[a-z]+\.de\b|q{9,}")


def found_in(text: str) -> list[tuple[int, int]]:
    gathered = Gathered(1)
    for batch in sliced([Piece(text, "/a")]):
        for part in batch:
            some = [Finding("X", *one.span()) for one in MAIL.finditer(text[part.start : part.end])]
            gathered.take(part, some)
    return [(one.start, one.end) for one in gathered.findings[0]]


def test_what_is_found_in_slices_is_what_the_whole_text_has() -> None:
    draw = random.Random(3)
    for _ in range(30):
        text = "".join(
            draw.choice(("word ", "ann@corp.de ", "x" * 700 + " ", "q" * draw.randint(9, 6_000)))
            for _ in range(500)
        )
        assert len(text) > 2 * SLICE_CHARS
        assert found_in(text) == [one.span() for one in MAIL.finditer(text)]


def test_what_stands_at_any_place_of_a_border_is_found_whole() -> None:
    value = "ann@corp.de"
    step = SLICE_CHARS - OVERLAP_CHARS
    for border in (step, step + OVERLAP_CHARS // 2, SLICE_CHARS, 2 * step):
        for shift in range(-len(value) - 1, 2):
            text = " " * (border + shift) + value + " " * (3 * SLICE_CHARS)
            assert found_in(text) == [(border + shift, border + shift + len(value))]
    long = " " * (SLICE_CHARS - 10) + "q" * (2 * SLICE_CHARS) + " "
    assert found_in(long) == [(SLICE_CHARS - 10, 3 * SLICE_CHARS - 10)]


def test_a_megabyte_of_addresses_is_found_like_one_text() -> None:
    text = "write to ann.berg@corp.example or 4111 1111 1111 1111 please, " * 3_000
    gathered = Gathered(1)
    for batch in sliced([Piece(text, "/a")]):
        for part in batch:
            gathered.take(part, structured().find(text[part.start : part.end]))
    whole = [(one.label, one.start, one.end) for one in structured().find(text)]
    assert [(one.label, one.start, one.end) for one in gathered.findings[0]] == whole


class Counting:
    name, labels = "q", frozenset({"X"})

    def __init__(self, seconds: float = 0.0) -> None:
        self.seen: list[str] = []
        self._seconds = seconds

    def find(self, text: str, _place: Place) -> list[Finding]:
        self.seen.append(text[:1])
        time.sleep(self._seconds)
        return []


async def run(counting: Counting, tell: Callable[[Detectors], Any]) -> Any:
    with ThreadPoolExecutor(2) as threads:
        loop = asyncio.get_running_loop()

        async def in_thread(work: Callable[[], Any]) -> Any:
            return await loop.run_in_executor(threads, work)

        found = Detectors(lambda: Opened({"q": counting}), in_thread)
        found.open()
        return await tell(found)


async def test_one_huge_text_is_stopped_midway() -> None:
    counting = Counting(0.02)
    text = "a" * (100 * SLICE_CHARS)

    async def tell(found: Detectors) -> None:
        told = await found.find([("q", EVERYWHERE)], [Piece(text, "/a")], 0.05)
        assert told.failed == {"q": "TimeoutError"}
        begun = len(counting.seen)
        assert begun < 20
        await found.find([("q", EVERYWHERE)], [Piece("b" * SLICE_CHARS, "/a")], 5.0)
        assert counting.seen[begun:].count("a") <= 1

    await run(counting, tell)


async def test_tenants_take_turns_however_much_each_sends() -> None:
    counting = Counting(0.002)

    def asked(found: Detectors, letter: str, tenant: str) -> Any:
        piece = Piece(letter * (8 * SLICE_CHARS), "/a")
        return found.find([("q", EVERYWHERE)], [piece], 30.0, tenant=tenant)

    async def tell(found: Detectors) -> None:
        many = [asyncio.create_task(asked(found, "a", "one")) for _ in range(9)]
        await asyncio.sleep(0)
        other = asyncio.create_task(asked(found, "b", "two"))
        await other
        seen = "".join(counting.seen)
        own = seen.count("b")
        assert own >= 8
        assert seen.count("a") <= own + 3, "a tenant waits for one slice of the other's at a time"
        gone = many.pop()
        gone.cancel()
        await asyncio.gather(*many)
        await asyncio.gather(gone, return_exceptions=True)
        told = await asked(found, "c", "one")
        assert told.failed == {}

    await run(counting, tell)
