from __future__ import annotations

from typing import TYPE_CHECKING

from legato.core.config import Breaker
from legato.gateway.breakers import BreakerBoard, Breakers

if TYPE_CHECKING:
    from pathlib import Path


def test_a_probe_that_told_nothing_lets_the_next_call_be_the_probe(tmp_path: Path) -> None:
    now_s = 0.0
    board = BreakerBoard(1, tmp_path / "lock")
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
