"""How the model's child process starts, lives and dies."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from legato.providers.local.catalogue import known
from legato.providers.local.errors import LocalModelUnavailable, WeightsUnusable
from legato.providers.local.launch import (
    RunningModel,
    is_healthy,
    launch_command,
    wait_ready,
)
from legato.providers.local.options import LOOPBACK, LocalModelSettings, ServerReady
from legato.providers.local.weights import stored_path

SETTINGS = LocalModelSettings(model="smollm2-135m", context_tokens=2048, slots=2, seed=1)


def eventually(holds: Callable[[], bool], within_s: float) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


async def chat(
    model: RunningModel, max_tokens: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a chat request whose answer has exactly `max_tokens`, or fills the context."""
    reader, writer = await asyncio.open_connection(LOOPBACK, model.ready.port)
    ask = {
        "messages": [{"role": "user", "content": "Count."}],
        "max_tokens": max_tokens,
        "ignore_eos": True,
    }
    body = json.dumps(ask).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {LOOPBACK}\r\nconnection: close\r\n"
        f"authorization: Bearer {model.api_key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def test_a_model_starts_says_where_and_ends(local_data: Path, tmp_path: Path) -> None:
    port_file = tmp_path / "port.json"
    command = launch_command(SETTINGS, local_data, port_file=port_file)
    async with await RunningModel.start(command, timeout_s=60) as model:
        await wait_ready(model.ready.port, 5)
        assert msgspec.json.decode(port_file.read_bytes(), type=ServerReady) == model.ready
        assert (model.ready.slots, model.ready.context_tokens) == (2, 2048)
        assert model.base_url == f"http://127.0.0.1:{model.ready.port}/v1"
        port = model.ready.port
        assert await model.stop() == 0
    assert not port_file.exists()
    assert not await is_healthy(port)
    with pytest.raises(LocalModelUnavailable, match="not ready within"):
        await wait_ready(port, 0.3)


async def test_sigterm_ends_it_in_the_middle_of_an_answer(local_data: Path) -> None:
    model = await RunningModel.start(launch_command(SETTINGS, local_data))
    _, writer = await chat(model, max_tokens=2000)
    await asyncio.sleep(0.5)
    model.process.send_signal(signal.SIGINT)  # a Ctrl-C in the terminal is the parent's business
    assert await is_healthy(model.ready.port)
    started = time.monotonic()
    assert await model.stop() == 0
    assert time.monotonic() - started < 2
    writer.close()


PARENT = """
import asyncio, sys
from pathlib import Path
import msgspec
from legato.providers.local.launch import RunningModel, launch_command
from legato.providers.local.options import LocalModelSettings

async def main():
    settings = msgspec.json.decode(sys.argv[1], type=LocalModelSettings)
    model = await RunningModel.start(launch_command(settings, Path(sys.argv[2])))
    print(model.ready.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def _is_alive(pid: int) -> bool:
    try:
        state = Path("/proc", str(pid), "stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_ends_when_its_parent_is_killed(local_data: Path) -> None:
    settings = msgspec.json.encode(SETTINGS).decode()
    command = [sys.executable, "-c", PARENT, settings, str(local_data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _is_alive(pid)
        parent.kill()
    assert eventually(lambda: not _is_alive(pid), within_s=3)


async def test_what_is_no_model_is_refused_with_a_reason(local_data: Path, tmp_path: Path) -> None:
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"not a model")
    own = LocalModelSettings(path=str(junk))
    with pytest.raises(LocalModelUnavailable, match="could not serve"):
        await RunningModel.start(launch_command(own, local_data, log_file=tmp_path / "log"))
    assert "invalid magic" in (tmp_path / "log").read_text()
    pinned = LocalModelSettings(path=str(junk), sha256="0" * 64)
    with pytest.raises(LocalModelUnavailable, match="pinned is 0000"):
        await RunningModel.start(launch_command(pinned, local_data))


async def test_a_gguf_of_ones_own_serves_under_its_name(local_data: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.gguf"
    os.link(stored_path(known("smollm2-135m"), local_data), own)
    settings = LocalModelSettings(path=str(own), context_tokens=256, slots=1)
    async with await RunningModel.start(launch_command(settings, local_data)) as model:
        assert model.ready.model == "mine"
        reader, writer = await chat(model, max_tokens=400)
        answer = json.loads((await reader.read()).split(b"\r\n\r\n", 1)[1])
        writer.close()
    # The full context ends an answer as its bound does.
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["total_tokens"] == settings.context_tokens


async def test_it_does_not_start_without_a_key(local_data: Path) -> None:
    command = msgspec.structs.replace(launch_command(SETTINGS, local_data), stdin=b"\n")
    with pytest.raises(LocalModelUnavailable, match="no API key"):
        await RunningModel.start(command)


def test_weights_that_are_not_here_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnusable, match="legato local pull smollm2-135m"):
        launch_command(SETTINGS, tmp_path)
    with pytest.raises(WeightsUnusable, match="either"):
        launch_command(LocalModelSettings(), tmp_path)
