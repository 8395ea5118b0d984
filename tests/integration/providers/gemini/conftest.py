"""Google's side, in a thread: see tests/wire_servers/gemini.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[3] / "wire_servers"))
from gemini import GeminiServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def google() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server
