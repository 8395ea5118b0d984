"""What follows each test: what it left open is told at its name, not at a later one's."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def what_is_there_is_kept() -> None:
    """Take what the imports made out of the collector's sight: collecting costs 1 ms then."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_is_left_open(what_is_there_is_kept: None) -> Iterator[None]:
    """Collect after each test, so that a socket it forgot warns here."""
    yield
    gc.collect()
