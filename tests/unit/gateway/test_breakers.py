from __future__ import annotations

from typing import TYPE_CHECKING

from legato.core.config import Breaker
from legato.gateway.breakers import BreakerBoard, Breakers

if TYPE_CHECKING:
    from pathlib import Path


def test_a_probe_that_told_nothing_lets_the_next_call_be_the_probe(tmp_path: Path) -> None:
    now_s = 0.0
    board = BreakerBoard(["d"], tmp_path / "lock")
    breakers = Breakers(board, Breaker(failures=1, open_s=10), lambda: now_s)
    breakers.failed(0)
    assert not breakers.admits(0)
    now_s = 11.0
    assert breakers.admits(0)
    assert not breakers.admits(0)  # one probe at a time
    breakers.undecided(0)  # its caller left, or had no money
    assert breakers.admits(0)
    assert not breakers.admits(0)
    breakers.succeeded(0)
    assert breakers.admits(0)
    breakers.undecided(0)
    assert breakers.admits(0)


def test_a_name_keeps_its_cell_whoever_asks(tmp_path: Path) -> None:
    board = BreakerBoard(["a", "b"], tmp_path / "lock", spare=2)
    one, other = (Breakers(board, Breaker(failures=1, open_s=10), lambda: 0.0) for _ in range(2))
    assert [one.cell("a"), one.cell("b")] == [0, 1]
    late = other.cell("late")
    assert late not in {0, 1}
    assert one.cell("later") not in {0, 1, late}
    assert one.cell("late") == late
    other.failed(late)
    assert not one.admits(one.cell("late"))
    assert one.admits(one.cell("later"))


def test_who_finds_no_cell_is_called_without_a_breaker(tmp_path: Path) -> None:
    board = BreakerBoard(["a"], tmp_path / "lock", spare=1)
    breakers = Breakers(board, Breaker(failures=1, open_s=10), lambda: 0.0)
    breakers.cell("b")
    without = breakers.cell("c")
    assert without == breakers.cell("d") == board.unguarded
    breakers.failed(without)
    assert breakers.admits(without)
    breakers.undecided(without)
    breakers.succeeded(without)
    assert breakers.admits(without)
    assert breakers.admits(breakers.cell("a"))
