"""Turns of threads, without a database."""

import threading
from pathlib import Path

import pytest

from legato.core.errors import StorageUnavailable
from legato.storage.database.turns import Turns, turns_at


def refusal() -> StorageUnavailable:
    return StorageUnavailable("busy")


def test_one_has_a_turn_at_a_time_and_all_come_to_theirs() -> None:
    turns, inside, most, done = Turns(), 0, 0, []

    def take(number: int) -> None:
        nonlocal inside, most
        for _ in range(50):
            with turns.one(30.0, refusal):
                inside += 1
                most = max(most, inside)
                done.append(number)
                inside -= 1

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most == 1
    assert sorted(done) == sorted([*range(8)] * 50)


def test_who_waits_too_long_is_refused_and_the_next_is_not_held_up() -> None:
    turns, held, go = Turns(), threading.Event(), threading.Event()

    def hold() -> None:
        with turns.one(1.0, refusal):
            held.set()
            go.wait(30.0)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30.0)
    with pytest.raises(StorageUnavailable), turns.one(0.05, refusal):
        pass
    go.set()
    holder.join()
    with turns.one(0.0, refusal):
        pass


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.one(0.0, refusal):
        _ = 1 / 0
    with turns.one(0.0, refusal):
        pass


def test_two_names_of_a_file_are_one(tmp_path: Path) -> None:
    path, other = tmp_path / "a.db", tmp_path / "b.db"
    (tmp_path / "link.db").symlink_to(path)
    assert turns_at(str(tmp_path / "link.db")) is turns_at(str(path))
    assert turns_at(str(path)) is not turns_at(str(other))
