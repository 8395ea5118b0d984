import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from legato.providers.simulated.child import SimulatedChild
from legato.providers.simulated.settings import SimulatedSettings

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture(scope="session", autouse=True)
def _children_import_this_tree() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(SOURCE), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def running(
    _children_import_this_tree: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimulatedChild]:
    child = SimulatedChild(tmp_path_factory.mktemp("simulated"), SimulatedSettings(seed=1))
    yield child
    assert child.stop() == 0


@pytest.fixture
def child(running: SimulatedChild) -> SimulatedChild:
    """The running server, with its first settings and an empty book."""
    running.reset()
    return running
