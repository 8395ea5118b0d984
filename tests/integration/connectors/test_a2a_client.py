"""Against an agent of the official SDK, a process of its own."""

from pathlib import Path

import pytest
from tests.integration.connectors.served import CONTEXT, toolbox
from tests.integration.connectors.test_mcp_client import answering, free_port

from legato.core.errors import ToolFailed

SERVER = str(Path(__file__).with_name("a2a_server.py"))


@pytest.mark.parametrize("version", ["1.0", "0.3"])
async def test_an_agent_elsewhere_is_a_tool(version: str) -> None:
    port = free_port()
    entry = {"name": "echo", "agent": {"url": f"http://127.0.0.1:{port}"}}
    async with answering(SERVER, str(port), version, port=port), toolbox(entry) as tools:
        spec = await tools.find("echo", "acme")
        assert spec.description == "Says what it is told. Echoes."
        found = await tools.call("echo", {"message": "hello"}, CONTEXT)
        assert (found["text"], found["state"]) == ("you said hello", "completed")
        assert found["task"]
        quick = await tools.call("echo", {"message": "quick"}, CONTEXT)
        assert (quick["text"], quick["task"]) == ("at once", "")
        with pytest.raises(ToolFailed, match="it can't be done"):
            await tools.call("echo", {"message": "fail"}, CONTEXT)


async def test_a_card_that_is_none_is_told() -> None:
    port = free_port()
    server = str(Path(__file__).with_name("mcp_server.py"))
    entry = {"name": "echo", "agent": {"url": f"http://127.0.0.1:{port}"}}
    async with answering(server, "http", str(port), port=port), toolbox(entry) as tools:
        [offered] = await tools.offered("acme")
        assert "404" in offered.problem
