"""Against servers of the official Python SDK, each a process of its own."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.connectors.served import CONTEXT, toolbox

from legato.core.errors import InvalidRequest, ToolFailed

SERVER = str(Path(__file__).with_name("mcp_server.py"))
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def answering(*command: str, port: int) -> AsyncIterator[None]:
    """Run a server until it listens, and end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            break
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def entry_of(transport: str) -> AsyncIterator[dict[str, Any]]:
    if transport == "stdio":
        yield {"name": "house", "mcp": {"command": [sys.executable, SERVER, "stdio"]}}
        return
    port = free_port()
    async with answering(SERVER, "http", str(port), port=port):
        yield {"name": "house", "mcp": {"url": f"http://127.0.0.1:{port}/mcp"}}


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_tools_of_a_server_are_listed_and_called(transport: str) -> None:
    async with entry_of(transport) as entry, toolbox(entry, environment=ENVIRONMENT) as tools:
        [offered] = await tools.offered("acme")
        assert offered.problem == ""
        assert [one.name for one in offered.specs] == [
            "house__stock",
            "house__broken",
            "house__word",
        ]
        assert offered.specs[0].parameters["required"] == ["item"]
        found = await tools.call("house__stock", {"item": "pump"}, CONTEXT)
        assert found == {"item": "pump", "count": 4}
        with pytest.raises(ToolFailed, match="broken"):
            await tools.call("house__broken", {"item": "pump"}, CONTEXT)
        with pytest.raises(InvalidRequest, match="item"):
            await tools.call("house__stock", {}, CONTEXT)
        again = await tools.call("house__stock", {"item": "x"}, CONTEXT)
        assert again == {"item": "x", "count": 1}


async def test_a_server_that_started_again_is_spoken_to_anew() -> None:
    port = free_port()
    entry = {"name": "house", "mcp": {"url": f"http://127.0.0.1:{port}/mcp"}}
    async with toolbox(entry) as tools:
        for _ in range(2):
            async with answering(SERVER, "http", str(port), port=port):
                found = await tools.call("house__stock", {"item": "a"}, CONTEXT)
                assert found["count"] == 1


async def test_a_server_that_is_not_there_is_told() -> None:
    entry = {"name": "house", "mcp": {"command": ["/no/such/server"]}}
    async with toolbox(entry) as tools:
        [offered] = await tools.offered("acme")
        assert "can't be started" in offered.problem


async def test_a_server_that_says_nothing_is_given_up() -> None:
    entry = {"name": "house", "timeout_s": 1, "mcp": {"command": ["/bin/cat", "/dev/zero"]}}
    async with toolbox(entry) as tools:
        [offered] = await tools.offered("acme")
        assert "larger" in offered.problem or "longer" in offered.problem
    entry = {"name": "house", "timeout_s": 1, "mcp": {"command": ["/bin/sleep", "60"]}}
    async with toolbox(entry) as tools:
        [offered] = await tools.offered("acme")
        assert "longer than 1 s" in offered.problem


async def test_only_tools_that_are_named_can_be_called() -> None:
    async with entry_of("stdio") as entry:
        entry["mcp"]["tools"] = ["word"]
        async with toolbox(entry, environment=ENVIRONMENT) as tools:
            [offered] = await tools.offered("acme")
            assert [one.name for one in offered.specs] == ["house__word"]
            assert await tools.call("house__word", {"item": "x"}, CONTEXT) in (
                "<x>",
                {"result": "<x>"},
            )
