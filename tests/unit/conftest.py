"""Unit tests touch neither the network nor, from a coroutine, anything that blocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blockbuster import blockbuster_ctx

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # The hook sees the whole session's items, not only those below this folder.
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.disable_socket)


@pytest.fixture(autouse=True)
def _no_blocking_call_on_the_loop() -> Iterator[None]:
    with blockbuster_ctx("legato"):
        yield
