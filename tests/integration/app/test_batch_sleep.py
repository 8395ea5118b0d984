"""No wake-up is lost between the last look of one life of the batch process and the next one's."""

from __future__ import annotations

import os
import select
import threading
from typing import TYPE_CHECKING

import pytest

from legato.app.batches.batch_process import Wakes, may_sleep, wake

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pipe:
    """What workers write to, and the batches they have made before that."""

    def __init__(self) -> None:
        self.reading_fd, self.writing_fd = os.pipe()
        os.set_blocking(self.writing_fd, False)
        self.open: list[str] = []

    def make(self, batch: str) -> None:
        self.open.append(batch)
        wake(self.writing_fd)

    def is_woken(self) -> bool:
        return bool(select.select([self.reading_fd], [], [], 0)[0])


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading_fd)
    os.close(pipe.writing_fd)


def test_what_has_ended_wakes_nobody(pipe: Pipe) -> None:
    for number in range(70_000):  # more than a pipe holds
        pipe.make(str(number))
    pipe.open.clear()
    assert may_sleep(pipe.reading_fd, lambda: bool(pipe.open))
    assert not pipe.is_woken()


def test_a_batch_made_before_the_look_is_seen(pipe: Pipe) -> None:
    pipe.make("early")
    assert not may_sleep(pipe.reading_fd, lambda: bool(pipe.open))


def test_a_batch_made_after_the_look_wakes_the_next_life(pipe: Pipe) -> None:
    def look_and_miss() -> bool:
        seen = bool(pipe.open)
        pipe.make("late")
        return seen

    pipe.make("done")
    pipe.open.clear()
    assert may_sleep(pipe.reading_fd, look_and_miss)
    assert pipe.is_woken()


def test_a_batch_in_the_database_whose_wake_up_is_still_to_come_is_seen_or_wakes(
    pipe: Pipe,
) -> None:
    pipe.open.append("made")
    assert not may_sleep(pipe.reading_fd, lambda: bool(pipe.open))
    pipe.open.clear()  # it ended already
    wake(pipe.writing_fd)
    assert pipe.is_woken()  # once too often does no harm


def test_whoever_is_awake_hears_of_it_at_once_and_leaves_the_rest_to_the_next_life(
    pipe: Pipe,
) -> None:
    stop, told = threading.Event(), threading.Event()
    wakes = Wakes(pipe.reading_fd, told.set)
    thread = wakes.begin(stop)
    pipe.make("heard")
    assert told.wait(10)
    assert not wakes.ends(lambda: False)
    told.clear()
    pipe.make("heard, too")
    assert told.wait(10)

    def look_and_miss() -> bool:
        pipe.make("late")
        return may_sleep(pipe.reading_fd)

    assert wakes.ends(look_and_miss)
    pipe.make("later")
    thread.join(0.5)
    assert pipe.is_woken()
