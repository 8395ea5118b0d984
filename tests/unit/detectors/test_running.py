from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.errors import DetectorFailed
from legato.core.guarding import Finding, Piece, Place
from legato.detectors.running import ON_THE_SPOT_CHARS, Detectors, Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EVERYWHERE = frozenset(Place)
PIECES = [Piece("a bad day", "/a"), Piece("bad tool", "/b", Place.TOOL_RESULT)]


class Quick:
    name, labels = "quick", frozenset({"BAD"})

    def __init__(self, wrong: Exception | None = None, end: int = 3) -> None:
        self.wrong, self.end = wrong, end

    def find(self, text: str, _place: Place) -> list[Finding]:
        if self.wrong is not None:
            raise self.wrong
        at = text.find("bad")
        return [Finding("BAD", at, at + self.end, 0.9, "inner")] if at >= 0 else []


class Slow:
    name, labels = "slow", frozenset({"WORSE"})

    def __init__(self, seconds: float = 0.0, *, answers: int | None = None) -> None:
        self.seconds, self.answers = seconds, answers

    async def find_all(self, pieces: Sequence[Piece]) -> Sequence[Sequence[Finding]]:
        await asyncio.sleep(self.seconds)
        return [[Finding("WORSE", 0, 1)] for _ in range(self.answers or len(pieces))]


async def in_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


def detectors(quick: Quick | None = None, slow: Slow | None = None) -> Detectors:
    opened = Opened({"q": quick or Quick()}, {"s": slow or Slow()})
    found = Detectors(lambda: opened, in_thread)
    found.open()
    return found


async def test_findings_are_told_by_text_under_the_name_policies_use() -> None:
    outcome = await detectors().find([("q", EVERYWHERE), ("s", EVERYWHERE)], PIECES, 1.0)
    assert [[(one.label, one.detector) for one in some] for some in outcome.findings] == [
        [("BAD", "q"), ("WORSE", "s")],
        [("BAD", "q"), ("WORSE", "s")],
    ]
    assert [name for name, _ in outcome.took_us] in (["q", "s"], ["s", "q"])
    assert outcome.failed == {}


async def test_a_detector_is_asked_about_its_places_alone() -> None:
    outcome = await detectors().find([("q", frozenset({Place.TOOL_RESULT}))], PIECES, 1.0)
    assert [len(some) for some in outcome.findings] == [0, 1]


@pytest.mark.parametrize(
    ("quick", "told"),
    [
        (Quick(ValueError("alice@example.com")), "ValueError"),
        (Quick(DetectorFailed("no")), "detector_failed"),
        (Quick(end=99), "ValueError"),
        (Quick(end=0), "ValueError"),
    ],
)
async def test_failures_are_told_by_name_and_never_by_their_words(
    quick: Quick, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = await detectors(quick).find([("q", EVERYWHERE)], PIECES, 1.0)
    assert outcome.failed == {"q": told}
    assert "alice" not in caplog.text


async def test_one_that_takes_too_long_or_answers_too_little_failed() -> None:
    late = await detectors(slow=Slow(5.0)).find([("s", EVERYWHERE)], PIECES, 0.01)
    assert late.failed == {"s": "TimeoutError"}
    short = await detectors(slow=Slow(answers=1)).find([("s", EVERYWHERE)], PIECES, 1.0)
    assert short.failed == {"s": "ValueError"}


@pytest.mark.parametrize(
    ("pieces", "elsewhere"),
    [
        (PIECES, False),
        ([Piece("bad " + "x" * ON_THE_SPOT_CHARS, "/a")], True),
        ([Piece("b", f"/{number}") for number in range(1_000)], True),
    ],
    ids=["small", "long", "many"],
)
async def test_large_texts_are_looked_through_off_the_event_loop(
    pieces: list[Piece], *, elsewhere: bool
) -> None:
    threads: set[int] = set()

    class Told(Quick):
        def find(self, text: str, _place: Place) -> list[Finding]:
            threads.add(threading.get_ident())
            return super().find(text, _place)

    await detectors(Told()).find([("q", EVERYWHERE)], pieces, 5.0)
    assert (threads != {threading.get_ident()}) is elsewhere


async def test_nothing_is_looked_through_that_nobody_waits_for() -> None:
    """The thread is there for others' requests, too."""
    begun: list[str] = []
    go_on = threading.Event()

    class Stuck(Quick):
        def find(self, text: str, _place: Place) -> list[Finding]:
            begun.append(text)
            go_on.wait(30)
            return []

    with ThreadPoolExecutor(1) as threads:
        loop = asyncio.get_running_loop()

        async def in_one_thread(work: Callable[[], Any]) -> Any:
            return await loop.run_in_executor(threads, work)

        found = Detectors(lambda: Opened({"q": Stuck()}), in_one_thread)
        found.open()
        pieces = [Piece("x" * ON_THE_SPOT_CHARS, f"/{number}") for number in range(9)]
        late = await found.find([("q", EVERYWHERE)], pieces, 0.01)
        assert late.failed == {"q": "TimeoutError"}
        go_on.set()
        await in_one_thread(lambda: None)  # its turn comes when the thread is free
    assert len(begun) == 1
