"""The `legato` command as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

sys.path.append(str(Path(__file__).parent))  # --import-mode=importlib adds no folder by itself
from server import Server

TIMEOUT_S = 60


class Legato(Protocol):
    def __call__(
        self, *arguments: str | Path, **variables: str
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def legato(tmp_path: Path) -> Legato:
    """Run `legato ...` in an empty folder and return what came out."""

    def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LEGATO_")}
        return subprocess.run(
            [sys.executable, "-m", "legato", *map(str, arguments)],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)} | variables,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    return run


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that are stopped when the test ends."""
    started: list[Server] = []

    def start(**options: Any) -> Server:
        started.append(Server(tmp_path, **options))
        return started[-1]

    yield start
    for server in started:
        server.stop()
