"""One running instance a module: its `CONFIG` (a YAML text) and, if set, its `WORKERS`.

`UPSTREAM` in a configuration becomes the address of a simulated provider in a process of its
own, which speaks both vendors' dialects and keeps its own book.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from legato.providers.simulated.child import SimulatedChild
from legato.providers.simulated.settings import SimulatedSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.append(str(Path(__file__).parent))  # --import-mode=importlib adds no folder by itself
from running import RunningLegato

SOURCE = str(Path(__file__).parents[3] / "src")


@pytest.fixture(scope="module")
def upstream_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedChild]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", SOURCE)
        child = SimulatedChild(tmp_path_factory.mktemp("upstream"), SimulatedSettings(seed=1))
    yield child
    assert child.stop() == 0


@pytest.fixture(scope="module")
def legato(
    request: pytest.FixtureRequest,
    upstream_of_module: SimulatedChild,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningLegato]:
    """The module's running instance."""
    config = request.module.CONFIG.replace("UPSTREAM", upstream_of_module.url)
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        config,
        workers=getattr(request.module, "WORKERS", 1),
        variables=getattr(request.module, "VARIABLES", None),
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def upstream(upstream_of_module: SimulatedChild) -> SimulatedChild:
    """The provider behind, with its first settings and an empty book."""
    upstream_of_module.reset()
    return upstream_of_module
